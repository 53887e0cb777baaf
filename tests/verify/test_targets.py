"""A recorded element on a page that has changed: found for a reason that is told, or refused; never guessed."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from recorder.trace.pages import PageTarget
from replay.verify.targets import Found, Refused, candidates, match


def element(name: str = "", **fields: Any) -> PageTarget:
    plain = {"t": 0, "source": "browser/1", "tab": 1, "frame": 1, "doc": 1, "seq": 2, "n": 1, "tag": "button"}
    return PageTarget(**(plain | {"role": "button", "name": name, "text": name} | fields))


def rows(count: int, **fields: Any) -> list[PageTarget]:
    return [
        element(
            "Delete", anchors=[("row", f"Invoice {n}")], alike=count, ordinal=n - 1,
            css=f"tr:nth-of-type({n}) > button", rect=(300, 30 * n, 60, 20), **fields,
        )
        for n in range(1, count + 1)
    ]  # fmt: skip


def found(recorded: PageTarget, page: list[PageTarget]) -> PageTarget:
    answer = match(recorded, page)
    assert isinstance(answer, Found), answer
    return page[answer.place]


def refused(recorded: PageTarget, page: list[PageTarget]) -> str:
    answer = match(recorded, page)
    assert isinstance(answer, Refused), answer
    return answer.why


def test_thirty_rows_with_one_inserted() -> None:
    recorded = rows(30)
    inserted = element("Delete", anchors=[("row", "Invoice 0")], css="tr:nth-of-type(1) > button")
    page = [
        inserted,
        *(structs.replace(row, css=f"tr:nth-of-type({row.ordinal + 2}) > button") for row in recorded),
    ]
    for row in recorded:
        assert found(row, page).anchors == row.anchors


def test_rows_that_nothing_tells_apart_are_refused() -> None:
    recorded = [structs.replace(row, anchors=[]) for row in rows(30)]
    for row in recorded:
        assert "position" in refused(row, recorded)


def test_a_row_that_is_gone_is_refused() -> None:
    recorded = rows(30)
    assert "Invoice 7" in refused(recorded[6], [row for row in recorded if row is not recorded[6]])


def test_two_rows_of_one_name_are_refused() -> None:
    recorded = rows(3)
    refused(recorded[0], [recorded[0], structs.replace(recorded[1], anchors=recorded[0].anchors)])


@pytest.mark.parametrize("key", ["id", "test_id"])
def test_renamed_ids(key: str) -> None:
    recorded = element("Save", **{key: "save-button"})
    page = [element("Cancel", **{key: "cancel-x"}), element("Save", **{key: "save-x"})]
    answer = match(recorded, page)
    assert isinstance(answer, Found)
    assert [(d.feature, d.recorded, d.now) for d in answer.healed] == [(key, "save-button", "save-x")]


def test_swapped_ids_go_with_the_name() -> None:
    recorded = element("Save", id="one")
    assert found(recorded, [element("Delete", id="one"), element("Save", id="two")]).name == "Save"


def test_a_moved_button() -> None:
    recorded = element("Save", css="main > button", rect=(10, 10, 60, 20))
    answer = match(
        recorded, [element("Save", css="footer > button", rect=(500, 700, 60, 20)), element("Delete")]
    )
    assert isinstance(answer, Found)
    assert {d.feature for d in answer.healed} == {"css", "position"}


@pytest.mark.parametrize("key", ["id", "test_id"])
def test_a_translated_label_is_found_by_its_key(key: str) -> None:
    recorded = element("Save", **{key: "save"})
    page = [element("Löschen", **{key: "delete"}), element("Speichern", **{key: "save"})]
    assert found(recorded, page).name == "Speichern"


def test_a_translated_label_without_a_key_is_refused() -> None:
    recorded = element("Save", css="form > button:nth-of-type(1)", rect=(1, 1, 9, 9))
    page = [element("Speichern", css="form > button:nth-of-type(1)", rect=(1, 1, 9, 9))]
    refused(recorded, page)
    refused(structs.replace(recorded, anchors=[("row", "Invoice 17")]), [
        structs.replace(page[0], anchors=[("row", "Invoice 17")])
    ])  # fmt: skip


def test_a_numbered_key_is_a_place_in_a_list() -> None:
    recorded = element("Delete", id="delete-3", alike=30, ordinal=2)
    refused(recorded, [element("Delete", id=f"delete-{n}") for n in range(31)])
    refused(recorded, [element("Löschen", id=f"delete-{n}") for n in range(31)])


def test_an_address_is_identity_on_another_server() -> None:
    recorded = element(
        "Edit", tag="a", role="link", attributes={"href": "https://a.example/invoice/17"}, alike=30
    )
    page = [
        element(
            "Edit", tag="a", role="link", attributes={"href": f"http://127.0.0.1:8000/invoice/{n}"}, alike=31
        )
        for n in range(31)
    ]
    assert found(recorded, page).attributes["href"].endswith("/17")


def test_a_name_that_was_not_the_only_one_needs_its_heading() -> None:
    recorded = element("Save", anchors=[("heading", "Billing")], alike=2)
    other = element("Save", anchors=[("heading", "Shipping")])
    refused(recorded, [other])
    assert (
        found(recorded, [other, element("Save", anchors=[("heading", "Billing")])]).anchors[0][1] == "Billing"
    )


def test_what_has_no_name_is_called_by_its_words() -> None:
    cards = [
        element(tag="div", role="listitem", text=f"Card {n}", css=f"div:nth-of-type({n})") for n in range(4)
    ]
    assert found(cards[2], cards[::-1]).text == "Card 2"
    refused(cards[2], [structs.replace(card, text="Card") for card in cards])


def test_a_place_to_write_in_without_a_name_is_found_where_it_was_if_it_is_the_only_one() -> None:
    editor = element(tag="div", role="", editable=True, css="#editor > div", anchors=[("heading", "Letter")])
    other = element(tag="div", role="", css="#bar > div", anchors=[("heading", "Letter")])
    assert found(editor, [other, structs.replace(editor, text="Dear Ada")]).css == "#editor > div"
    refused(editor, [other, structs.replace(editor, css="#notes > div")])
    refused(editor, [editor, structs.replace(editor, css="#notes > div")])


def test_a_picture_without_a_name_is_not_pressed() -> None:
    refused(element(css="#bar > button"), [element(css="#bar > button")])


def test_a_cell_is_told_by_its_row_and_its_column() -> None:
    def cell(row: str, column: str, text: str) -> PageTarget:
        return element(tag="td", role="cell", text=text, anchors=[("row", row), ("column", column)])

    page = [cell(row, column, "9") for row in ("A", "B") for column in ("Paid", "Amount")]
    assert found(cell("B", "Amount", "7"), page).anchors == [("row", "B"), ("column", "Amount")]
    refused(cell("B", "Date", "7"), page)


def test_another_kind_of_element_is_none() -> None:
    assert "no button" in refused(element("Save"), [element("Save", tag="a", role="link")])


def test_what_a_page_says_of_itself_is_checked() -> None:
    page = candidates(
        [{"tag": 3}, {"tag": "button", "role": "button", "name": "Save", "text": "Save", "odd": 1}]
    )
    answer = match(element("Save"), page)
    assert isinstance(answer, Found)
    assert answer.place == 1
