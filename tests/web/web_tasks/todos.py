"""To-do lists."""

from __future__ import annotations

from web_origin import Origin
from web_person import Person
from web_task import Task


def _react(person: Person, app: Origin) -> None:
    person.click(person.field("New todo"))
    for text in ("buy milk", "write a test", "call Åsa"):
        person.type(text + "\n")
    person.click(person.field("Toggle buy milk"))
    person.click(person.page.get_by_text("write a test"), count=2)
    person.press("Control+a")
    person.type("write two tests\n")
    person.click(person.button("Active"))
    person.misses("buy milk")
    person.point(person.page.get_by_text("call Åsa"))
    person.click(person.button("Delete call Åsa"))
    person.click(person.button("All"))
    person.click(person.button("Clear completed"))
    person.sees("1 item left")


todo_react = Task(
    name="todo-react",
    summary="Adds three things to do, renames one by a double click, deletes one that shows its button on hover only.",
    path="/todo.html",
    do=_react,
    shows="write two tests",
)


def _keys(person: Person, app: Origin) -> None:
    person.sees("todos")
    person.type("only keys\nand no mouse\n")
    person.press("Tab", "Space")
    person.sees("1 item left")
    person.press("Tab", "Tab", "Tab", "Tab", "Tab", "Enter")
    person.misses("only keys")
    person.reload()
    person.sees("and no mouse")


todo_keyboard = Task(
    name="todo-keyboard",
    summary="The same list by keys alone: Tab, Space and Enter; what is kept in localStorage survives a reload.",
    path="/todo.html",
    do=_keys,
    shows="1 item left",
)


def _mithril(person: Person, app: Origin) -> None:
    field = person.page.get_by_placeholder("What needs to be done?")
    person.click(field)
    person.type("buy milk\nwrite a test\n")
    person.click(person.css("#todo-list .toggle"))
    person.sees("1 item left")
    person.click(person.page.get_by_text("write a test"), count=2)
    person.press("End")
    person.type(" first\n")
    person.click(person.link("Completed"))
    person.misses("write a test first")
    person.click(person.link("All"))
    person.sees("write a test first")


todo_mithril = Task(
    name="todo-mithril",
    summary="Mithril's TodoMVC: routes by fragment, editing in place.",
    path="/npm/mithril/examples/todomvc/index.html",
    do=_mithril,
    shows="write a test first",
)
