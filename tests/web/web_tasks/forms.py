"""Forms: fields of every kind, files, dialogs, windows and frames."""

from __future__ import annotations

import hashlib
from pathlib import Path

from web_origin import Origin
from web_person import Person
from web_task import Task


def _wizard(person: Person, app: Origin) -> None:
    person.click(person.field("Name"))
    person.type("Ada")
    person.press("Tab")
    person.type("ada at example")
    person.press("Tab")
    person.type("correct horse")
    person.press("Enter")
    person.sees("Mail: Please include an '@'")
    person.press("Control+a")
    person.type("ada@mail.example\n")
    person.sees("Step 2")
    person.click(person.field("By courier"))
    person.press("Shift+Tab")
    person.type("Med")
    person.press("Tab", "Tab", "ArrowUp", "ArrowUp")
    person.press("Tab")
    person.type("05172031")
    person.click(person.button("Next"))
    person.sees("Step 3")
    person.click(person.button("Next"))
    person.sees("I agree: Please check this box")
    person.click(person.button("Back"))
    person.click(person.button("Next"))
    person.press("Tab")
    person.click(person.field("I agree"))
    person.press("Tab")
    person.type("Ring twice")
    person.click(person.button("Next"))
    person.sees("is placed")


def _wizard_sent(app: Origin) -> None:
    row = app.rows["orders"][0]
    assert {k: row[k] for k in ("name", "mail", "size", "ship", "count", "until", "remarks")} == {
        "name": "Ada",
        "mail": "ada@mail.example",
        "size": "Medium",
        "ship": "courier",
        "count": "3",
        "until": "2031-05-17",
        "remarks": "Ring twice",
    }


wizard = Task(
    name="wizard",
    summary="Three steps of a registration: a password, wrong entries mended, radio, list, number and date by keys.",
    path="/wizard.html",
    do=_wizard,
    shows="Order 1 for Ada is placed",
    outcome=_wizard_sent,
)


def _cities(folder: Path) -> Origin:
    origin = Origin()
    names = ("Berlin", "Bergen", "Bern", "Bremen", "Paris", "Porto", "Prague")
    origin.rows["cities"] = [{"id": n, "name": name} for n, name in enumerate(names, 1)]
    return origin


def _trip(person: Person, app: Origin) -> None:
    person.click(person.css("#day"))
    person.click(person.css(".flatpickr-next-month"))
    person.click(person.page.get_by_text("17", exact=True))
    person.click(person.page.locator(".ts-control").first)
    person.type("ber")
    person.sees("Bergen")
    person.click(person.css(".ts-dropdown [data-value=Bergen]"))
    person.click(person.page.locator(".ts-control").nth(1))
    person.click(person.css(".ts-dropdown [data-value=Sauna]"))
    person.click(person.css(".ts-dropdown [data-value=Parking]"))
    person.press("Escape")
    person.click(person.page.get_by_role("heading"))
    person.click(person.button("Book"))
    person.sees("booked")


def _trip_kept(app: Origin) -> None:
    trip = app.rows["trips"][0]
    assert trip["city"] == "Bergen"
    assert trip["tags"] == ["Sauna", "Parking"]
    assert trip["day"].endswith("-17")


trip = Task(
    name="trip",
    summary="A day of next month in a date picker (flatpickr), a city by autocomplete and two tags (Tom Select).",
    path="/pickers.html",
    serve=_cities,
    do=_trip,
    shows="booked Bergen on",
    outcome=_trip_kept,
)

PICTURE = bytes(range(256)) * 4


class _Files(Origin):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.rows["files"] = [{"id": 1, "name": "old.png"}]
        (folder / "picture.png").write_bytes(PICTURE)
        (folder / "Bericht März.txt").write_text("Grüße\n")
        self.given = (folder / "picture.png", folder / "Bericht März.txt")


def _files(person: Person, app: _Files) -> None:
    person.give(person.css("#files"), *app.given)
    person.sees(f"picture.png 1024 {hashlib.sha256(PICTURE).hexdigest()[:8]}")
    person.click(person.button("Send"))
    person.sees("kept picture.png and")
    assert person.download(lambda: person.click(person.link("List as CSV"))) == b"id,name\n1,old.png\n"
    assert person.download(lambda: person.click(person.link("Greeting"))) == b"hello there\n"


def _files_kept(app: _Files) -> None:
    assert app.files["picture.png"] == PICTURE


files = Task(
    name="files",
    summary="Chooses two files, whose hashes the page shows, uploads them; downloads a list and what the page made.",
    path="/files.html",
    serve=_Files,
    do=_files,
    shows="kept picture.png and Bericht März.txt",
    outcome=_files_kept,
)


def _dialogs(person: Person, app: Origin) -> None:
    with person.answering(text="Shopping") as said:
        person.click(person.button("New note"))
        person.sees("Shopping")
    assert said == ["What shall it be called?", "“Shopping” is made"]
    with person.answering(accept=False):
        person.click(person.button("New note"))
        person.sees("not made")
        person.click(person.button("Clear all"))
        person.sees("kept")
    with person.answering():
        person.click(person.button("Clear all"))
        person.sees("cleared")


dialogs = Task(
    name="dialogs",
    summary="Prompt, alert and confirm: answered, declined, accepted.",
    path="/dialogs.html",
    do=_dialogs,
    shows="cleared",
)


def _windows(person: Person, app: Origin) -> None:
    chooser = person.popup(lambda: person.click(person.button("Choose…")))
    chooser.click(chooser.field("Search"))
    chooser.type("tech")
    chooser.misses("Acme")
    chooser.click(chooser.button("Initech"))
    person.sees("Initech")
    terms = person.popup(lambda: person.click(person.link("Terms")))
    terms.click(terms.page.get_by_text("Returns"))
    terms.sees("Within a month.")
    terms.page.close()
    person.sees("Customer: Initech")


windows = Task(
    name="windows",
    summary="Chooses in a window that a page opened, which answers its opener and closes; reads a link in a new tab.",
    path="/opener.html",
    do=_windows,
    shows="Initech",
)


def _frames(person: Person, app: Origin) -> None:
    shop = person.page.frame_locator("[title=list]")
    pay = person.page.frame_locator("[title=payment]")
    person.wheel(shop.get_by_text("Lamp 5 "), 200)
    person.click(person.button("Add", shop.get_by_role("listitem").filter(has_text="Lamp 12")))
    person.sees("Lamp 12")
    person.click(pay.get_by_label("Card"))
    person.type("4111 1111 1111 1111")
    person.click(person.button("Pay 120", pay))
    person.sees("paid 120")
    person.click(person.button("Help", shop.frame_locator("[title=help]")))
    person.sees("thanks", shop.frame_locator("[title=help]"))


frames = Task(
    name="frames",
    summary="A shop in frames: its list, a payment's form from another origin with a card number, help in srcdoc.",
    path="/frames.html",
    do=_frames,
    shows="paid 120",
)


class _Letters(Origin):
    """None is a picture: what a page reads of one itself, and when, is by chance."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        (folder / "list.csv").write_text("a,b\n")
        (folder / "Bericht März.txt").write_text("Grüße\n")
        self.given = (folder / "list.csv", folder / "Bericht März.txt")


def _inbox(person: Person, app: _Letters) -> None:
    zone = person.css("#inbox")
    person.sees("Drop files here")
    person.drop(zone, *app.given)
    person.sees("2 files sent")
    person.click(person.link("Remove file", person.css(".dz-preview:last-of-type", zone)))
    person.sees("1 files here")
    person.drop(zone, *app.given)
    person.sees("3 files sent")
    person.point(person.page.get_by_role("heading"))


def _inbox_kept(app: _Letters) -> None:
    assert app.files == {"list.csv": b"a,b\n", "Bericht März.txt": "Grüße\n".encode()}


inbox = Task(
    name="inbox",
    summary="Drops files from elsewhere on the screen (Dropzone), which sends them; removes one, drops another.",
    path="/dropzone.html",
    serve=_Letters,
    do=_inbox,
    shows="3 files sent",
    outcome=_inbox_kept,
)
