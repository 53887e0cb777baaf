"""A page of invoices as it was and as it has become: each change a way in which sites drift.

What a button really does stands in `data-does`, which no fingerprint has: so a wrong action shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class Page:
    """How the page is written today."""

    rows: Sequence[int] = tuple(range(1, 31))
    ids: dict[str, str] = field(
        default_factory=lambda: {"save": "save-button", "cancel": "cancel-button", "search": "search"}
    )
    words: dict[str, str] = field(default_factory=dict)
    numbered: bool = False
    row_words: bool = True
    footer: bool = False
    columns_swapped: bool = False
    name: Callable[[int], str] = lambda n: f"Invoice {1000 + n}"
    spans: bool = False

    def word(self, text: str) -> str:
        return self.words.get(text, text)

    def html(self) -> str:
        body = self._bar() + self._table() if not self.footer else self._table() + self._bar()
        return f"<!doctype html><title>Invoices</title><h1>{self.word('Invoices')}</h1>{body}{_SCRIPT}"

    def _bar(self) -> str:
        ids = {key: f' id="{value}"' if value else "" for key, value in self.ids.items()}
        return (
            f'<div class="bar"><input{ids["search"]} aria-label="{self.word("Search")}" data-does="search">'
            f'<button{ids["save"]} data-does="save">{self._label("Save")}</button>'
            f'<button{ids["cancel"]} data-does="cancel">{self._label("Cancel")}</button>'
            f'<select aria-label="{self.word("Colour")}" name="colour" data-does="colour">'
            f'<option value="r">Red<option value="b">Blue</select>'
            f'<label><input type="checkbox" name="paid" data-does="paid"> {self.word("Paid")}</label></div>'
        )

    def _label(self, text: str) -> str:
        return f"<span>{self.word(text)}</span>" if self.spans else self.word(text)

    def _table(self) -> str:
        head = "<th>#</th>" if self.numbered else ""
        rows = "".join(self._row(place, n) for place, n in enumerate(self.rows, 1))
        return f"<table><thead><tr>{head}<th>Number</th><th>Action</th></tr></thead><tbody>{rows}</tbody></table>"

    def _row(self, place: int, n: int) -> str:
        head = f"<td>{place}</td>" if self.numbered else ""
        deeds = ["edit", "delete"][:: -1 if self.columns_swapped else 1]
        buttons = "".join(
            f'<button data-does="{deed} {n}">{self._label(deed.capitalize())}</button>' for deed in deeds
        )
        name = f"<td>{self.name(n)}</td>" if self.row_words else "<td><img></td>"
        return f"<tr>{head}{name}<td>{buttons}</td></tr>"


_SCRIPT = """<script>
addEventListener("click", (event) => {
  const hit = event.target.closest("[data-does]");
  if (hit) navigator.sendBeacon("/did", hit.dataset.does);
}, true);
</script>"""

AS_IT_WAS = Page()
INSERTED = (0, *AS_IT_WAS.rows)
GERMAN = {
    "Save": "Speichern", "Cancel": "Abbrechen", "Edit": "Bearbeiten", "Delete": "Löschen", "Search": "Suche",
    "Invoices": "Rechnungen", "Colour": "Farbe", "Paid": "Bezahlt",
}  # fmt: skip
