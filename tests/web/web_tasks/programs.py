"""A wiki, a file manager and a table editor, as their makers ship them."""

from __future__ import annotations

from web_person import Person
from web_programs import Party, Tables, Wiki
from web_task import Task


def _write(person: Person, app: Wiki) -> None:
    person.click(person.css("button[aria-label='new tiddler']"))
    title = person.css("input.tc-titlebar")
    person.click(title)
    person.press("Control+a")
    person.type("Lamps")
    area = person.page.frame_locator("iframe").first.locator("textarea")
    person.click(area)
    person.press("Control+a")
    person.type("See [[Chairs]] and ''light''.")
    person.click(person.css("button:has(.tc-image-done-button)"))
    person.click(person.link("Chairs"))
    person.sees("Missing tiddler")
    person.click(person.css("input[type=search]"))
    person.type("light")
    person.sees("Lamps")


wiki_write = Task(
    name="wiki-write",
    summary="TiddlyWiki: writes a page with a link and bold words, follows the link, searches.",
    serve=Wiki,
    do=_write,
    shows="Lamps",
)


def _query(person: Person, app: Tables) -> None:
    person.click(person.link("books"))
    person.click(person.link("Query"))
    area = person.css("textarea")
    person.click(area)
    person.press("Control+a")
    person.type("insert into books (title, year) values ('Ulysses', 1922)")
    person.click(person.button("Execute"))
    person.sees("Rows modified")
    person.click(person.link("books"))
    person.click(person.css("a:has-text('Content')"))
    person.sees("Ulysses")
    person.click(person.link("year"))
    person.sees("Ulysses")


def _inserted(app: Tables) -> None:
    assert app.all("select title from books where year = 1922") == [("Ulysses",)]


tables_query = Task(
    name="tables-query",
    summary="sqlite-web: inserts a row by a query, finds it in the table, sorts by year.",
    serve=Tables,
    do=_query,
    shows="Ulysses",
    outcome=_inserted,
)


def _party(person: Person, app: Party) -> None:
    listed = person.css("#files")
    person.sees("bill.txt", listed)
    person.click(person.css("#opa_mkd"))
    person.click(person.css("#op_mkdir input[type=text]"))
    person.type("drafts\n")
    person.page.wait_for_url("**/drafts/")
    person.click(person.css("#opa_bup"))
    person.give(person.css("#op_bup input[type=file]"), app.folder / "new.txt")
    person.click(person.css("#op_bup input[type=submit]"))
    person.sees("new.txt")


def _shared(app: Party) -> None:
    assert (app.folder / "share/drafts/new.txt").read_text() == "hello\n"


party = Task(
    name="party",
    doubt="what an answer took is shown and asked for in the next address: a busy page may take it after the next key",
    summary="copyparty: makes a folder and uploads a file into it.",
    serve=Party,
    do=_party,
    shows="new.txt",
)
