"""Web components, trees, calendars and maps."""

from __future__ import annotations

import re
from pathlib import Path

from web_origin import Origin
from web_person import Person
from web_task import Task


def _settings(person: Person, app: Origin) -> None:
    person.click(person.page.get_by_label("Name"))
    person.type("Ada")
    person.click(person.page.get_by_role("combobox", name="Theme"))
    person.click(person.page.get_by_role("option", name="Dark"))
    person.click(person.css("#size"), 0.8, 0.8)
    person.press("ArrowRight")
    person.click(person.css("sl-rating"), 0.7)
    person.click(person.page.get_by_role("tab", name="Mail"))
    person.click(person.page.get_by_text("Weekly digest"))
    person.click(person.page.get_by_text("News"))
    person.click(person.css("#save"))
    person.click(person.css("#yes"))
    person.sees("saved Ada")


def _settings_kept(app: Origin) -> None:
    kept = app.rows["settings"][0]
    assert (kept["name"], kept["theme"], kept["digest"], kept["news"]) == ("Ada", "dark", True, True)
    assert kept["rating"] == 4


settings = Task(
    name="settings",
    summary="Settings made of web components (Shoelace): text, list, slider, stars, tabs, switch, a dialog.",
    path="/components.html",
    do=_settings,
    shows="saved Ada, dark, ",
    outcome=_settings_kept,
)


def _lamps(person: Person, app: Origin) -> None:
    # Nothing finds what is in closed roots but the eye: the dials stand where they stand.
    kitchen = person.css("x-lamp[name=kitchen]")
    left, _, width, _ = person.box(kitchen)
    text = 'document.querySelector("h1").getBoundingClientRect().left'
    assert person.page.evaluate(text) == left
    brighter = 150 / width
    person.click(kitchen, brighter, 0.97)
    person.sees("kitchen 6")
    person.click(kitchen, brighter, 0.97)
    person.sees("kitchen 7")
    person.click(person.css("x-lamp[name=cellar]"), brighter, 0.97)
    person.press("Shift+Tab")
    person.type("99\n")
    person.sees("kitchen 7, cellar 99")


lamps = Task(
    name="lamps",
    summary="Turns lamps up whose dials are in closed shadow roots within closed shadow roots; three of a kind.",
    path="/closed.html",
    do=_lamps,
    shows="kitchen 7, cellar 99",
)


def _folders(folder: Path) -> Origin:
    origin = Origin()
    names = {"root": ("Work", "Home"), "Work": ("Letters", "Bills", "Plans"), "Home": ("Garden", "Bills")}
    origin.rows["folders"] = [
        {"id": number, "name": name, "parent": parent, "folder": parent == "root"}
        for number, (parent, name) in enumerate(((p, n) for p, all_ in names.items() for n in all_), 1)
    ]
    return origin


def _tree(person: Person, app: Origin) -> None:
    person.click(person.css("li:has-text('Work') > .jstree-ocl"))
    person.sees("Letters")
    person.click(person.page.get_by_text("Home"), count=2)
    person.sees("Garden")
    person.click(person.page.get_by_text("Plans"), button="right")
    person.click(person.css(".vakata-context").get_by_text("Rename"))
    person.press("Control+a")
    person.type("Sketches\n")
    person.sees("Plans is now Sketches")
    person.drag(person.page.get_by_text("Letters", exact=True), person.page.get_by_text("Garden", exact=True))
    person.sees("Letters moved to Garden")
    person.press("ArrowUp")


tree = Task(
    name="tree",
    summary="Opens branches of a tree (jsTree), renames one by its context menu, drags one to another.",
    path="/tree.html",
    serve=_folders,
    do=_tree,
    shows="Letters moved to Garden",
)


def _events(folder: Path) -> Origin:
    origin = Origin()
    origin.rows["events"] = [{"id": 1, "title": "Dentist", "start": "2031-05-07"}]
    return origin


def _calendar(person: Person, app: Origin) -> None:
    person.drag(person.page.get_by_text("Dentist"), person.css('td[data-date="2031-05-16"]'))
    person.sees("Dentist moved to 2031-05-16")
    with person.answering(text="Picnic"):
        person.click(person.css('td[data-date="2031-05-21"]'))
        person.sees("Picnic on 2031-05-21")
    person.click(person.button("Next month"))
    person.sees("June 2031")
    person.click(person.css(".fc-prev-button"))
    person.click(person.css(".fc-timeGridWeek-button"))
    person.sees(re.compile("Apr 27|May 3"))


def _calendar_kept(app: Origin) -> None:
    assert {row["title"]: row["start"] for row in app.rows["events"]} == {
        "Dentist": "2031-05-16",
        "Picnic": "2031-05-21",
    }


calendar = Task(
    name="calendar",
    summary="Drags an appointment to another day (FullCalendar), makes one by a prompt, turns its pages.",
    path="/calendar.html",
    serve=_events,
    do=_calendar,
    shows="Picnic on 2031-05-21",
    outcome=_calendar_kept,
)


def _map(person: Person, app: Origin) -> None:
    map_ = person.css("#map")
    person.draw(map_, (0.5, 0.5), (0.4, 0.4), (0.3, 0.3))
    person.sees("zoom 5 at")
    person.click(person.button("Zoom in"))
    person.sees("zoom 6")
    person.wheel(map_, -200)
    person.sees("zoom 8")
    person.click(map_, 0.6, 0.6, button="right")
    person.sees("marked")
    person.click(person.page.get_by_title("mark"))
    person.sees("Meet here")


map_ = Task(
    name="map",
    summary="Drags a map (Leaflet), zooms by button and wheel, sets a mark by a right click and asks for it.",
    path="/map.html",
    do=_map,
    shows="Meet here",
)
