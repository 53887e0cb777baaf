"""Pages that live: streams, workers, stores, the clipboard, what grows as one scrolls."""

from __future__ import annotations

from pathlib import Path

from web_origin import Origin
from web_person import Person
from web_task import Task


def _posts(folder: Path) -> Origin:
    origin = Origin()
    origin.rows["posts"] = [{"id": n, "title": f"Post number {n}"} for n in range(1, 36)]
    return origin


def _feed(person: Person, app: Origin) -> None:
    person.sees("Post number 10")
    for last in (20, 30, 35):
        person.wheel(person.css("main"), 2000)
        person.sees(f"Post number {last}")
    person.wheel(person.css("main"), 2000)
    person.sees("that is all")
    person.click(person.button("Like", person.page.get_by_role("article").filter(has_text="Post number 23")))
    person.sees("Liked")


def _feed_liked(app: Origin) -> None:
    assert [row["id"] for row in app.rows["posts"] if row.get("liked")] == [23]


feed = Task(
    name="feed",
    summary="Scrolls an endless feed to its end, then back to like one post of 35.",
    path="/feed.html",
    serve=_posts,
    do=_feed,
    shows="that is all",
    outcome=_feed_liked,
)


def _chat(person: Person, app: Origin) -> None:
    person.sees("anybody here?")
    person.click(person.field("Message"))
    for text in ("hello", "is it “late”?"):
        person.type(text + "\n")
        person.sees(f"what do you mean by “{text}”?")


def _chat_said(app: Origin) -> None:
    assert app.said == ["hello", "is it “late”?"]


chat = Task(
    name="chat",
    summary="Talks over a WebSocket with somebody who answers.",
    path="/chat.html",
    do=_chat,
    shows="what do you mean by “is it “late”?”?",
    outcome=_chat_said,
)


def _dashboard(person: Person, app: Origin) -> None:
    person.sees("ACME 125")
    person.drag(person.page.get_by_text("Sales"), person.page.get_by_text("ACME 125"), 0.4, 0.5)
    person.sees("Sales")
    item = person.css("[gs-id=Stock]")
    person.point(item)
    person.drag(person.css(".ui-resizable-se", item), person.css(".grid-stack"), 0.9, 0.95)
    person.sees("Stock")


dashboard = Task(
    name="dashboard",
    summary="Watches prices come (server-sent events); moves a box of the dashboard (gridstack) and enlarges another.",
    path="/dashboard.html",
    do=_dashboard,
    shows="Sales",
)


def _journal(person: Person, app: Origin) -> None:
    person.sees("0 entries")
    person.click(person.field("Entry"))
    person.type("rain\nsun\n")
    person.sees("2 entries")
    person.reload()
    person.sees("sun")
    person.click(person.field("Entry"))
    person.type("snow")
    person.click(person.button("Keep"))
    person.sees("3 entries")


journal = Task(
    name="journal",
    summary="Keeps entries in IndexedDB, which are there after a reload.",
    path="/offline.html",
    do=_journal,
    shows="3 entries",
)


def _almanac(person: Person, app: Origin) -> None:
    person.sees("ready")
    person.click(person.button("Ask"))
    person.sees("fresh: the moon is full")
    person.click(person.button("Ask"))
    person.sees("kept: the moon is full")


almanac = Task(
    name="almanac",
    summary="A service worker answers: first from the server, then from its own store.",
    path="/worker.html",
    do=_almanac,
    shows="kept: the moon is full",
)


def _clipboard(person: Person, app: Origin) -> None:
    person.click(person.css("#source"), 0.05, count=3)
    person.press("Control+c")
    person.sees("copied The quick brown fox")
    person.click(person.field("Translation"))
    person.type("he said: ")
    person.press("Control+v")
    person.sees("pasted into he said: THE QUICK BROWN FOX")
    person.click(person.button("Copy result"))
    person.click(person.field("Rich"))
    person.press("Control+v")
    person.sees("he said: THE QUICK BROWN FOX", person.field("Rich"))


clipboard = Task(
    name="clipboard",
    summary="Copies a line by three clicks and keys, pastes it where a page changes it, copies that by a button.",
    path="/clipboard.html",
    do=_clipboard,
    shows="result copied",
)


def _race(person: Person, app: Origin) -> None:
    person.click(person.field("Text"))
    person.type("one two three")
    person.sees("3 words")
    person.click(person.button("Start"))
    person.sees("2 s")
    person.click(person.button("Lap"))
    person.sees("after 2 s")
    person.sees("4 s")
    person.click(person.button("Lap"))


race = Task(
    name="race",
    summary="Workers keep time, by modules and timers of their own, and count words once nothing is typed for a while.",
    path="/workers.html",
    do=_race,
    shows="after 4 s",
)


def _game(person: Person, app: Origin) -> None:
    person.click(person.button("Start"))
    for key in ("ArrowRight", "ArrowLeft", "ArrowRight"):
        person.hold(key, 0.5)
    person.sees("over: score")


game = Task(
    name="game",
    summary="A game on a canvas (kontra), drawn sixty times a second: keys that are held, a ball by chance, a score.",
    path="/game.html",
    do=_game,
    shows="over: score",
)
