"""Applications of forms and lists over a server's rows."""

from __future__ import annotations

from pathlib import Path

from web_origin import Origin
from web_person import Person
from web_task import Task


def _rows(folder: Path) -> Origin:
    origin = Origin()
    origin.rows["authors"] = [
        {"id": n, "name": name} for n, name in enumerate(("Ada", "Grace", "Barbara"), 1)
    ]
    origin.rows["posts"] = [
        {
            "id": n,
            "title": f"On subject {n}",
            "author": n % 3 + 1,
            "state": ("draft", "review", "published")[n % 3],
            "day": f"2031-05-{n:02}",
            "pinned": False,
        }
        for n in range(1, 13)
    ]
    return origin


def _list(person: Person, name: str, option: str) -> None:
    person.click(person.page.get_by_role("combobox", name=name))
    person.click(person.page.get_by_role("option", name=option))
    person.misses("option")


def _edit(person: Person, app: Origin) -> None:
    person.sees("On subject 3")
    person.click(person.link("Edit", person.page.get_by_role("row").filter(has_text="On subject 3")))
    title = person.page.get_by_role("textbox", name="Title")
    person.click(title, 0.8)
    person.press("End")
    person.type(", revised")
    _list(person, "Author", "Barbara")
    _list(person, "State", "review")
    person.click(person.page.get_by_role("switch", name="Pinned"))
    person.click(person.button("Save"))
    person.sees("On subject 3, revised")


def _edited(app: Origin) -> None:
    post = app.rows["posts"][2]
    assert (post["title"], post["author"], post["state"], post["pinned"]) == (
        "On subject 3, revised", 3, "review", True,
    )  # fmt: skip


admin_edit = Task(
    name="admin-edit",
    summary="react-admin: edits one post of a list, with lists, a switch and Material's motion.",
    path="/admin.html",
    serve=_rows,
    do=_edit,
    shows="On subject 3, revised",
    outcome=_edited,
)


def _create(person: Person, app: Origin) -> None:
    person.click(person.link("Create"))
    person.click(person.page.get_by_role("textbox", name="Title"))
    person.type("F")
    person.press("Backspace")
    person.click(person.button("Save"))
    person.sees("Required")
    person.click(person.page.get_by_role("textbox", name="Title"))
    person.type("Fresh thoughts")
    person.press("Tab", "Enter")
    person.sees("Grace")
    person.press("ArrowDown", "ArrowDown", "Enter")
    person.click(person.button("Save"))
    person.sees("Element created")
    person.click(person.button("Go to page 3"))
    person.sees("Fresh thoughts")


def _created(app: Origin) -> None:
    assert app.rows["posts"][-1]["title"] == "Fresh thoughts"
    assert app.rows["posts"][-1]["author"] == 2


admin_create = Task(
    name="admin-create",
    summary="react-admin: makes a post after a required field was left out, finds it on the last page.",
    path="/admin.html",
    serve=_rows,
    do=_create,
    shows="Fresh thoughts",
    outcome=_created,
)


def _delete(person: Person, app: Origin) -> None:
    person.click(person.button("Sort by title ascending"))
    person.sees("On subject 10")
    for title in ("On subject 10", "On subject 12"):
        person.click(person.page.get_by_role("row").filter(has_text=title).get_by_role("checkbox"))
    person.sees("2 items selected")
    person.click(person.button("Delete"))
    person.sees("2 elements deleted")
    person.click(person.button("Undo"))
    person.sees("On subject 10")
    person.click(person.page.get_by_role("textbox", name="Search"))
    person.type("subject 7")
    person.misses("On subject 10")
    person.sees("On subject 7")


def _undone(app: Origin) -> None:
    assert len(app.rows["posts"]) == 12


admin_undo = Task(
    name="admin-undo",
    summary="react-admin: sorts, selects two rows, deletes them and takes it back, then searches.",
    path="/admin.html",
    serve=_rows,
    do=_delete,
    shows="On subject 7",
    outcome=_undone,
)


def _try_out(person: Person, app: Origin) -> None:
    person.click(person.page.get_by_text("Add a thing"))
    person.click(person.button("Try it out "))
    area = person.css("textarea")
    person.click(area)
    person.press("Control+a")
    person.type('{"name": "table", "size": 7}')
    person.click(person.button("Execute"))
    person.sees("201")
    person.click(person.page.get_by_text("List things"))
    person.click(
        person.page.locator("#operations-default-get_api_things").get_by_role("button", name="Try it out")
    )
    person.click(person.page.get_by_placeholder("q"))
    person.type("table")
    person.click(
        person.page.locator("#operations-default-get_api_things").get_by_role("button", name="Execute")
    )
    person.sees("x-total-count")


def _tried(app: Origin) -> None:
    assert app.rows["things"] == [{"id": 1, "name": "table", "size": 7}]


swagger = Task(
    name="swagger",
    summary="Swagger UI: tries two operations of an API out, one with a body typed as JSON.",
    path="/swagger.html",
    do=_try_out,
    shows="x-total-count",
    outcome=_tried,
)
