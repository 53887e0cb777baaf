"""Pages made by frameworks that no other task uses: Vue, htmx, AG Grid, reveal.js."""

from __future__ import annotations

from pathlib import Path

from web_origin import Origin
from web_person import Person
from web_programs import Contacts
from web_task import Task


def _errands(person: Person, app: Origin) -> None:
    what = person.field("What")
    for text, place in (("Stamps", "Post"), ("Plums", "Market"), ("Shoes", "Town")):
        person.write(what, text)
        person.choose(person.css("select"), place)
        person.click(person.button("Add"))
        person.sees(text)
    person.click(person.field("Plums"))
    person.sees("2 open")
    person.click(person.page.get_by_text("Hide what is done"))
    person.misses("Plums")
    person.click(person.button("Turn round"))
    person.click(person.button("More"))
    person.sees("shown")
    person.click(person.button("Drop Shoes"))
    person.misses("Shoes")
    person.click(person.button("Less"))
    person.sees("hidden")


errands = Task(
    name="errands",
    summary="A list by Vue whose rows move as they come, change places and go.",
    path="/errands.html",
    do=_errands,
    shows="1 open",
)


def _contacts(person: Person, app: Contacts) -> None:
    person.click(person.field("Search"))
    person.type("ar")
    person.misses("Ada")
    person.click(person.button("Edit Margaret"))
    person.write(person.field("Mail"), "meg@mail.example")
    person.click(person.button("Save"))
    person.sees("meg@mail.example")
    with person.answering():
        person.click(person.button("Delete Barbara"))
        person.misses("Barbara")
    person.sees("6 contacts")
    person.click(person.field("Search"))
    person.press("Control+a", "Delete")
    person.sees("Ada")


contacts = Task(
    name="contacts",
    summary="An address book by htmx: searches as it is typed, edits in place, deletes after a question.",
    path="/",
    serve=Contacts,
    do=_contacts,
    shows="meg@mail.example",
)


def _entries(folder: Path) -> Origin:
    origin = Origin()
    names = ("Baker", "Grocer", "Smith", "Tailor")
    origin.rows["entries"] = [
        {"id": n, "payee": f"{names[n % 4]} {n}", "sum": n * 37 % 100, "paid": n % 3 == 0}
        for n in range(1, 201)
    ]
    return origin


def _ledger(person: Person, app: Origin) -> None:
    person.sees("Grocer 1")
    person.click(person.css(".ag-header-cell[col-id=sum] .ag-header-cell-label"))
    person.sees("first is Baker 100")
    cell = person.css("[row-id='100'] [col-id=payee]")
    person.click(cell, count=2)
    person.press("Control+a")
    person.type("Miller\n")
    person.sees("payee of 100 is Miller")
    person.wheel(person.css(".ag-body-viewport"), 600)
    person.click(person.css(".ag-floating-filter[aria-colindex='3'] input"))
    person.type("tailor 1")
    person.misses("Smith 2")
    person.click(person.css("[row-index='0'] .ag-checkbox-input"))
    person.sees("1 chosen")


def _ledger_kept(app: Origin) -> None:
    assert app.rows["entries"][99]["payee"] == "Miller"


ledger = Task(
    name="ledger",
    summary="AG Grid: sorts 200 rows, edits a cell by a double click, scrolls, filters, chooses.",
    path="/ledger.html",
    serve=_entries,
    do=_ledger,
    shows="1 chosen",
    outcome=_ledger_kept,
)


def _slides(person: Person, app: Origin) -> None:
    person.sees("Plan")
    person.press("Space", "Space", "Space")
    person.sees("slide 1.0")
    person.press("ArrowDown")
    person.sees("slide 1.1")
    person.press("ArrowUp")
    person.sees("slide 1.0")
    person.click(person.link("to the end"))
    person.sees("slide 2.0")
    person.click(person.button("Clap"))
    person.sees("applause")
    person.press("Escape")
    person.click(person.css(".slides > section h2"))
    person.sees("slide 0.0")


slides = Task(
    name="slides",
    summary="Slides (reveal.js) by keys, by a link, by their overview.",
    path="/slides.html",
    do=_slides,
    shows="slide 0.0",
)
