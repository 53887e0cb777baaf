"""An address book made of fragments: `python contacts.py PORT`. Its pages are htmx's, their parts are drawn here."""

from __future__ import annotations

import sys

from flask import Flask, abort, render_template_string, request, send_file
from web_origin import HERE

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Contacts</title><script src="/htmx.js"></script>
<style>body { font: 16px sans-serif; margin: 1.5em } tr.htmx-swapping { opacity: 0; transition: opacity .3s ease-out }
.htmx-indicator { opacity: 0 } .htmx-request .htmx-indicator { opacity: 1 }</style><h1>Contacts</h1>
<label>Search <input type="search" name="q" hx-get="/rows" hx-target="#rows" hx-indicator="#busy"
  hx-trigger="input changed delay:300ms, search"></label> <span id="busy" class="htmx-indicator">…</span>
<table><thead><tr><th>Name<th>Mail<th></thead><tbody id="rows" hx-target="closest tr" hx-swap="outerHTML">
{{ rows|safe }}</tbody></table>
<p id="count" hx-get="/count" hx-trigger="counted from:body">{{ count }} contacts</p></html>"""
ROWS = """{% for one in found %}<tr><td>{{ one.name }}<td>{{ one.mail }}<td>
<button hx-get="/edit/{{ one.id }}" aria-label="Edit {{ one.name }}">Edit</button>
<button hx-delete="/contact/{{ one.id }}" hx-confirm="Sure?" hx-swap="outerHTML swap:300ms"
  aria-label="Delete {{ one.name }}">Delete</button></tr>{% endfor %}"""
EDIT = """<tr><td><input name="name" aria-label="Name" value="{{ one.name }}" autofocus>
<td><input name="mail" aria-label="Mail" value="{{ one.mail }}"><td>
<button hx-put="/contact/{{ one.id }}" hx-include="closest tr">Save</button></tr>"""
NAMES = ("Ada", "Barbara", "Grace", "Hedy", "Joan", "Katherine", "Margaret")

app = Flask(__name__)
people = {
    n: {"id": n, "name": name, "mail": f"{name.lower()}@mail.example"} for n, name in enumerate(NAMES, 1)
}


def rows(text: str = "") -> str:
    found = [one for one in people.values() if text.lower() in str(one["name"]).lower()]
    return render_template_string(ROWS, found=found)


@app.get("/")
def page() -> str:
    return render_template_string(PAGE, rows=rows(), count=len(people))


@app.get("/htmx.js")
def script() -> object:
    return send_file(HERE / "node_modules/htmx.org/dist/htmx.js")


@app.get("/rows")
def search() -> str:
    return rows(request.args.get("q", ""))


@app.get("/count")
def count() -> str:
    return f"{len(people)} contacts"


@app.get("/edit/<int:ident>")
def edit(ident: int) -> str:
    return render_template_string(EDIT, one=people.get(ident) or abort(404))


@app.put("/contact/<int:ident>")
def save(ident: int) -> str:
    people[ident] |= {"name": request.form["name"], "mail": request.form["mail"]}
    return render_template_string(ROWS, found=[people[ident]])


@app.delete("/contact/<int:ident>")
def delete(ident: int) -> tuple[str, dict[str, str]]:
    del people[ident]
    return "", {"HX-Trigger": "counted"}


if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]))
