"""Editors of code, text and pictures."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator
from web_origin import Origin
from web_person import Person
from web_task import Task


def _code(person: Person, app: Origin) -> None:
    person.click(person.button("Run"))
    person.sees("it says 11")
    person.click(person.page.get_by_text("let sum = 1"), 0.9)
    person.press("End", "ArrowLeft", "Backspace")
    person.type("0")
    person.click(person.button("Run"))


code_fix = Task(
    name="code-fix",
    summary="Finds a wrong number in CodeMirror, mends it and runs the program.",
    path="/code.html",
    do=_code,
    shows="it says 10",
)


def _replace(person: Person, app: Origin) -> None:
    person.click(person.page.get_by_text("return sum"))
    person.press("Control+f")
    person.sees("match case")
    person.type("price")
    person.press("Tab")
    person.click(person.page.get_by_placeholder("Replace"))
    person.type("cost")
    person.click(person.button("replace all"))
    person.press("Escape")
    person.press("Control+End")
    person.type("say('costs')\n")
    person.press("Control+z", "Control+y")
    person.click(person.button("Run"))
    person.sees("it says 11, costs")


code_replace = Task(
    name="code-replace",
    summary="Replaces all of a word by the editor's own search, adds a line, undoes and redoes it.",
    path="/code.html",
    do=_replace,
    shows="it says 11, costs",
)


def _letter(person: Person, app: Origin) -> None:
    editor = person.css(".ql-editor")
    person.click(editor)
    person.type("Dear Ada,\nplease read ")
    person.press("Control+b")
    person.type("this")
    person.press("Control+b")
    person.type(" soon.\n")
    person.click(person.css("button.ql-list[value=bullet]"))
    person.type("one\ntwo")
    person.click(person.button("Save"))
    person.sees("saved")


def _letter_kept(app: Origin) -> None:
    html = app.rows["letters"][0]["html"]
    assert "<strong>this</strong>" in html
    assert "<li>two</li>" in html


letter = Task(
    name="letter",
    summary="Writes a letter in Quill with bold words and a list.",
    path="/quill.html",
    do=_letter,
    shows="saved 8 words",
    outcome=_letter_kept,
)


def _article(person: Person, app: Origin) -> None:
    frame = person.page.frame_locator("iframe.tox-edit-area__iframe")
    person.click(person.page.frame_locator("iframe").get_by_text("The first line."))
    person.press("End")
    person.type("\nThe second line.")
    person.press("Shift+Home")
    person.click(person.button("Italic"))
    person.sees("The second line.", frame)
    person.click(person.button("Save"))
    person.sees("article saved")


def _article_kept(app: Origin) -> None:
    assert "<em>The second line.</em>" in app.rows["articles"][0]["html"]


article = Task(
    name="article",
    summary="Adds an italic line in TinyMCE, whose text is in a frame of its own.",
    path="/tinymce.html",
    do=_article,
    shows="article saved",
    outcome=_article_kept,
)


def _signature(person: Person, app: Origin) -> None:
    pad = person.css("canvas")
    person.draw(pad, (0.1, 0.7), (0.2, 0.2), (0.3, 0.7))
    person.draw(pad, (0.15, 0.5), (0.25, 0.5))
    person.draw(pad, (0.5, 0.2), (0.9, 0.9))
    person.sees("3 strokes")
    person.click(person.button("Undo"))
    person.sees("2 strokes")
    person.draw(pad, (0.5, 0.7), (0.6, 0.2), (0.7, 0.7), (0.8, 0.2))
    person.click(person.button("Send"))


def _signature_kept(app: Origin) -> None:
    assert app.rows["signatures"][0]["picture"].startswith("data:image/png;base64,")


signature = Task(
    name="signature",
    summary="Signs on a canvas; the page shows a hash of the picture, so each point of the lines matters.",
    path="/drawing.html",
    do=_signature,
    shows="signed",
    outcome=_signature_kept,
)


def _chart(person: Person, app: Origin) -> None:
    person.write(person.field("Title"), "Sales")
    person.press("Tab")
    person.type("Line")
    person.write(person.css("#values"), "north 4\nsouth 9\neast 2")
    person.click(person.field("Colour"), 0.25)
    person.press("ArrowRight", "ArrowRight")
    person.click(person.field("Legend"))
    person.click(person.button("Draw"))
    person.sees("line of 3")
    person.press("Shift+Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab")
    person.type("Bars")
    person.click(person.button("Draw"))
    person.sees("bar of 3")
    person.click(person.css("canvas"), 0.5, 0.7)
    person.sees("picked south 9")


chart = Task(
    name="chart",
    summary="Builds a chart with Chart.js: a list by its keyboard, a slider, a check box; picks a bar on the canvas.",
    path="/chart.html",
    do=_chart,
    shows="picked south 9",
)


def _people(folder: Path) -> Origin:
    origin = Origin()
    names = ["Ada Lovelace", "Alan Turing", "Grace Hopper", "Alonzo Church"]
    origin.rows["people"] = [{"id": n, "name": name} for n, name in enumerate(names, 1)]
    return origin


def _mentions(person: Person, app: Origin) -> None:
    person.click(person.page.get_by_text("Meeting notes"))
    person.click(person.button("Heading"))
    person.press("End", "Enter")
    person.type("ask @al")
    person.sees("Alonzo Church")
    person.press("ArrowDown", "Enter")
    person.type("and @gra")
    person.click(person.page.get_by_role("option", name="Grace Hopper"))
    person.type("tomorrow")
    person.click(person.button("Send"))
    person.sees("sent to 2")


def _mentions_kept(app: Origin) -> None:
    assert app.rows["notes"][0]["mentioned"] == ["4", "3"]
    assert "<h2>Meeting notes</h2>" in app.rows["notes"][0]["html"]


mentions = Task(
    name="mentions",
    summary="A note in Tiptap (ProseMirror) that mentions two people: chosen by keys and by a click from a list.",
    path="/mentions.html",
    serve=_people,
    do=_mentions,
    shows="sent to 2",
    outcome=_mentions_kept,
)


def _budget(person: Person, app: Origin) -> None:
    def cell(x: int, y: int) -> Locator:
        return person.css(f"td[data-x='{x}'][data-y='{y}']")

    person.sees("8020")
    person.click(cell(2, 0))
    person.type("410\n")
    person.sees("8140")
    person.click(cell(1, 2), count=2)
    person.press("Control+a")
    person.type("6\n")
    person.sees("8190")
    person.drag(cell(0, 1), cell(2, 1))
    person.press("Control+c")
    person.click(cell(0, 4))
    person.press("Control+v")
    person.click(cell(0, 1), button="right")
    person.click(person.page.get_by_text("Insert a new row after"))
    person.press("Control+z", "Control+y")
    person.click(person.button("Save"))
    person.sees("saved, all is")


def _budget_kept(app: Origin) -> None:
    rows = app.rows["budget"][0]["rows"]
    assert [row[0] for row in rows] == ["Rent", "Food", "", "Books", "Sum", "Food", ""]


budget = Task(
    name="budget",
    summary="A spreadsheet (Jspreadsheet): numbers changed, formulas follow; a range copied and pasted, a row put in.",
    path="/sheet.html",
    do=_budget,
    shows="saved, all is",
    outcome=_budget_kept,
)


def _diagram(person: Person, app: Origin) -> None:
    stage = person.css("#stage")
    person.click(person.button("Add table"))
    person.click(person.button("Add table"))
    person.sees("table 2 at 140,30")
    person.draw(stage, (0.12, 0.16), (0.3, 0.4), (0.5, 0.6))
    person.sees(re.compile("table 1 at 2"))
    person.click(stage, 0.3, 0.16)
    person.draw(stage, (230 / 600, 90 / 360), (0.5, 0.4))
    person.misses("table 2 at 140,30, 90×60")
    with person.answering(text="buffet"):
        person.click(stage, 0.3, 0.16, count=2)
        person.sees("buffet")
    person.click(person.button("Undo"))
    person.sees("buffet at 140,30, 90×60")


diagram = Task(
    name="diagram",
    summary="A plan on a canvas (Konva): adds tables, drags one, enlarges another by its handle, names it, undoes.",
    path="/diagram.html",
    do=_diagram,
    shows="buffet at 140,30, 90×60",
)
