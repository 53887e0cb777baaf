"""Boards and grids: what is dragged, sorted and edited in place."""

from __future__ import annotations

from pathlib import Path

from web_origin import Origin
from web_person import Person
from web_task import Task

CARDS = (("Draw the plan", "To do"), ("Buy wood", "To do"), ("Build the shed", "Doing"), ("Measure", "Done"))


def _cards(folder: Path) -> Origin:
    origin = Origin()
    origin.rows["cards"] = [
        {"id": n, "title": title, "column": column} for n, (title, column) in enumerate(CARDS, 1)
    ]
    return origin


def _kanban(person: Person, app: Origin) -> None:
    def card(title: str) -> None:
        person.sees(title)

    card("Buy wood")
    text = person.page.get_by_text
    person.drag(text("Buy wood"), person.page.get_by_role("list", name="Doing"), 0.5, 0.8)
    person.sees("2 cards")
    person.drag(text("Build the shed"), person.page.get_by_role("list", name="Done"), 0.5, 0.8)
    person.drag(text("Draw the plan"), person.page.get_by_role("list", name="Done"), 0.5, 0.9)
    person.sees("3 cards")


def _kanban_moved(app: Origin) -> None:
    assert [row["column"] for row in app.rows["cards"]] == ["Done", "Doing", "Done", "Done"]


kanban = Task(
    name="kanban",
    summary="Drags cards of a board (SortableJS, by HTML5 drag and drop) from column to column.",
    path="/kanban.html",
    serve=_cards,
    do=_kanban,
    shows="3 cards",
    outcome=_kanban_moved,
)


def _invoices(folder: Path) -> Origin:
    origin = Origin()
    names = ("Acme", "Globex", "Initech", "Umbrella")
    origin.rows["invoices"] = [
        {
            "id": n,
            "number": f"INV-{n:03}",
            "customer": names[n % 4],
            "amount": n * 37 % 100,
            "paid": n % 3 == 0,
        }
        for n in range(1, 41)
    ]
    return origin


def _edit(person: Person, app: Origin) -> None:
    person.sees("INV-001")
    row = person.page.get_by_role("row").filter(has_text="INV-003")
    person.click(person.css("[tabulator-field=customer]", row))
    person.press("Control+a")
    person.type("Hooli\n")
    person.click(person.css("[tabulator-field=amount]", row))
    person.press("Control+a")
    person.type("250\n")
    person.click(person.css("[tabulator-field=paid]", row))
    person.click(person.button("Delete", person.page.get_by_role("row").filter(has_text="INV-005")))
    person.misses("INV-005")


def _edited(app: Origin) -> None:
    rows = {row["number"]: row for row in app.rows["invoices"]}
    assert rows["INV-003"] == {
        "id": 3,
        "number": "INV-003",
        "customer": "Hooli",
        "amount": 250,
        "paid": False,
    }
    assert "INV-005" not in rows


grid_edit = Task(
    name="grid-edit",
    summary="Edits cells of one row of a data grid (Tabulator) and deletes another of forty that look alike.",
    path="/grid.html",
    serve=_invoices,
    do=_edit,
    shows="Hooli",
    outcome=_edited,
)


def _sort(person: Person, app: Origin) -> None:
    person.sees("INV-001")
    person.click(person.page.locator(".tabulator-col[tabulator-field=customer] input").first)
    person.type("globex")
    person.misses("INV-002")
    person.click(person.page.locator(".tabulator-col[tabulator-field=amount] .tabulator-col-title").first)
    person.click(person.page.locator(".tabulator-col[tabulator-field=amount] .tabulator-col-title").first)
    person.wheel(person.css(".tabulator-tableholder"), 300)
    content = person.download(lambda: person.click(person.button("Download CSV")))
    lines = content.decode().splitlines()
    assert lines[1] == '"INV-005","Globex","85","false"'
    assert len(lines) == 11


grid_sort = Task(
    name="grid-sort",
    summary="Filters and sorts a grid, scrolls it and downloads what is left as CSV made in the page.",
    path="/grid.html",
    serve=_invoices,
    do=_sort,
    shows="Total",
)
