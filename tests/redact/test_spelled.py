"""Secrets that were typed into pages are nowhere in the trace, not even letter by letter."""

from __future__ import annotations

from recorder.spelled import unspelled
from recorder.trace.events import AnyEvent, PageEvent, PageState

SECRET, STANDS = "s3cr3t-T0ken", "ABCDEFGHIJKL"
MS = 1_000_000


class Page:
    """A field that is typed into: the events that a browser tells of it."""

    def __init__(self, doc: int = 1) -> None:
        self.events: list[AnyEvent] = []
        self.value = ""
        self._doc = doc
        self._seq = 0
        self._t = 0

    def tell(self, type: str, **more: object) -> None:
        self._seq += 1
        self._t += 10 * MS
        place = {
            "t": self._t,
            "source": "browser/1",
            "tab": 1,
            "frame": 1,
            "doc": self._doc,
            "seq": self._seq,
        }
        self.events.append(PageEvent(**place, type=type, trusted=True, target=1, **more))  # type: ignore[arg-type]

    def type(self, text: str) -> None:
        for key in text:
            self.tell("keydown", key=key, code="KeyX")
            self.tell("beforeinput", text=key)
            self.value += key
            self.tell("input", text=key, value=self.value)
            self.tell("keyup", key=key, code="KeyX")

    def back(self) -> None:
        self.tell("keydown", key="Backspace", code="Backspace")
        self.value = self.value[:-1]
        self.tell("input", value=self.value)

    def state(self, blob: str) -> None:
        self._seq += 1
        self.events.append(
            PageState(
                t=self._t, source="browser/1", tab=1, frame=1, doc=self._doc, seq=self._seq, n=1, url="u", title="t",
                dom="d", aria=blob,
            )
        )  # fmt: skip


def keys(events: list[AnyEvent]) -> str:
    return "".join(e.key or "" for e in events if isinstance(e, PageEvent) and e.type == "keydown")


def test_keys_texts_and_what_the_field_held_become_the_placeholders() -> None:
    page = Page()
    page.type(f"my {SECRET} ok")
    out, _ = unspelled(page.events, {SECRET: STANDS})
    assert keys(out) == f"my {STANDS} ok"
    texts = [e for e in out if isinstance(e, PageEvent)]
    assert "".join(e.text or "" for e in texts if e.type == "input") == f"my {STANDS} ok"
    assert "".join(e.key or "" for e in texts if e.type == "keyup") == f"my {STANDS} ok"
    for event in texts:
        assert not event.value or f"my {STANDS} ok".startswith(event.value)
    codes = [e.code for e in texts if e.type == "keydown"]
    assert codes == ["KeyX"] * 3 + [None] * 12 + ["KeyX"] * 3


def test_what_was_corrected_meanwhile_is_found_all_the_same() -> None:
    page = Page()
    page.type(SECRET[:5] + "z")
    page.back()
    page.type(SECRET[5:])
    out, _ = unspelled(page.events, {SECRET: STANDS})
    assert not any(SECRET[:5] in (e.value or "") for e in out if isinstance(e, PageEvent))
    assert [e.value for e in out if isinstance(e, PageEvent)][-2] == STANDS


def test_snapshots_taken_meanwhile_lose_its_beginnings_and_others_nothing() -> None:
    page = Page()
    page.state("a" * 64)
    page.type(SECRET[:6])
    page.state("b" * 64)
    page.type(SECRET[6:])
    _, blobs = unspelled(page.events, {SECRET: STANDS})
    assert list(blobs) == ["b" * 64]
    assert (SECRET[:6], STANDS[:6]) in blobs["b" * 64]
    assert min(len(old) for old, _ in blobs["b" * 64]) == 4


def test_documents_are_apart_and_what_spells_nothing_stays() -> None:
    one, two = Page(1), Page(2)
    one.type(SECRET[:6])
    two.type(SECRET[6:])
    events = one.events + two.events
    assert unspelled(events, {SECRET: STANDS}) == (events, {})


def test_of_two_secrets_one_within_the_other_the_longer_counts() -> None:
    page = Page()
    page.type(SECRET)
    out, _ = unspelled(page.events, {SECRET: STANDS, SECRET[:8]: "ZZZZZZZZ"})
    assert keys(out) == STANDS
