"""The window of `replay --headed`: what it is given it shows, as text and pictures and nothing else."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from page_session import free_port, wait_for
from recorded_browser import CHROMIUM
from small_session import Recording, Reenact

from replay.webm import NoFrame, bare
from replay.window.ending import Ending
from replay.window.window import View, Window

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: install it, or set REENACT_CHROMIUM to one"
)
HOSTILE = "</span><img src=x onerror=\"document.title='had'\">\u202egnp\x1b[31m${1}\u2028\ud800 `'\\\""
SHOWN = "</span><img src=x onerror=\"document.title='had'\">‹U+202E›gnp␛[31m${1}‹U+2028›‹U+D800› `'\\\""


def chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def webp(*chunks: bytes) -> bytes:
    return chunk(b"RIFF", b"WEBP" + b"".join(chunks))


FRAME = b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", 320, 200) + b"x" * 21


def test_of_a_picture_nothing_but_its_frame_gets_on() -> None:
    plain = webp(chunk(b"VP8 ", FRAME))
    assert bare(plain) == (plain, 320, 200)
    more = webp(
        chunk(b"VP8X", bytes(10)), chunk(b"ICCP", b"a profile"), chunk(b"VP8 ", FRAME), chunk(b"EXIF", b"x")
    )
    assert bare(more + b"after the end") == (plain, 320, 200)
    with pytest.raises(NoFrame):
        bare(webp(chunk(b"VP8L", FRAME)))


@contextmanager
def looked_at(
    window: Window, folder: Path, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[int, str]]
) -> Iterator[Any]:
    """The window's own page, looked at from outside; its Chromium draws on no screen."""
    port = free_port()
    program = folder / "windowed"
    program.write_text(
        f'#!/bin/sh\nexec {CHROMIUM} --ozone-platform=headless --remote-debugging-port={port} "$@"\n'
    )
    program.chmod(0o700)
    monkeypatch.setenv("REENACT_CHROMIUM", str(program))
    with closing(window), sync_api.sync_playwright() as playwright:
        window.begin((640, 400), steps)

        def connected() -> Any:
            try:
                return playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
            except sync_api.Error:
                return None

        (page,) = wait_for(connected).contexts[0].pages
        yield page


REFUSED = """what => new Promise(done => {
  addEventListener("securitypolicyviolation", event => done(event.effectiveDirective), {once: true});
  if (what === "script") document.body.setAttribute("onclick", "1");
  else document.body.append(Object.assign(document.createElement(what), {src: "http://127.0.0.1:1/x"}));
})"""


@pytest.mark.slow
@chromium
def test_what_it_is_given_it_shows_and_runs_and_loads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = Window(HOSTILE)
    with looked_at(window, tmp_path, monkeypatch, [(3, HOSTILE), (5, "click “Save”")]) as page:
        sync_api.expect(page.locator("#bar i")).to_have_count(2)
        shot = page.context.new_cdp_session(page).send(
            "Page.captureScreenshot", {"format": "webp", "quality": 80}
        )
        look = View(n=3, url=HOSTILE, pointer=(64.0, 40.0), pressed=(9.0, 9.0), presses=1)
        window.take(0, base64.b64decode(shot["data"]), look)
        for place in ("#sentence", "#address"):
            sync_api.expect(page.locator(place)).to_have_text(SHOWN)
        picture = page.locator("#picture")
        wide, high = page.evaluate("[innerWidth, innerHeight]")
        assert picture.evaluate("it => [it.naturalWidth, it.naturalHeight]") == [wide, high]
        box, dot = picture.bounding_box(), page.locator("#pointer").bounding_box()
        assert box is not None
        assert dot is not None
        middle = (dot["x"] + dot["width"] / 2 - box["x"], dot["y"] + dot["height"] / 2 - box["y"])
        assert middle == pytest.approx((64 * box["width"] / wide, 40 * box["height"] / high), abs=1.5)
        sync_api.expect(page.locator("#press")).to_be_visible()
        assert page.locator("img").count() == 1
        for what, directive in (("script", "script-src-attr"), ("img", "img-src"), ("iframe", "frame-src")):
            assert page.evaluate(REFUSED, what) == directive

        window.take(1, b"no picture", structs.replace(look, n=5, url="https://shop.example/", done=True))
        sync_api.expect(page.locator("#number")).to_have_text("2 of 2")
        sync_api.expect(page.locator("#press")).to_be_hidden()  # nothing was pressed in this step
        assert picture.evaluate("it => it.naturalWidth") == wide, "what is no picture leaves the last one"
        page.keyboard.press("ArrowLeft")
        sync_api.expect(page.locator("#sentence")).to_have_text(SHOWN)
        page.keyboard.press("Escape")
        sync_api.expect(page.locator("#sentence")).to_have_text("click “Save”")

        verdicts = [(3, "diverged"), (5, "not reached")]
        window.end(Ending(verdict="diverged", line=HOSTILE, of=verdicts, why=[(3, HOSTILE)]))
        sync_api.expect(page.locator("#status.diverged")).to_have_text(SHOWN)
        sync_api.expect(page.locator("#sentence")).to_have_text(SHOWN)  # where it parted
        assert page.locator("#bar .diverged").count() == 1
        assert page.title() == f"{SHOWN} – Reenact"
        assert window.is_open
        page.close()
        window.wait()
        assert not window.is_open
        assert not window.wants(2, rested=True)
    assert not window.fault


def test_a_window_that_does_not_open_says_so_and_nothing_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REENACT_CHROMIUM", "/bin/false")
    with closing(Window("x")) as window:
        window.begin((640, 400), [(1, "click")])
        window.wait()
        assert "no window: Chromium ended at once" in window.fault
        window.end(Ending(verdict="exact", line="✓ exact"))


@pytest.mark.parametrize(
    ("words", "env", "code", "said"),
    [
        (("x",), {}, 4, "--video FILE"),
        (("x", "y"), {"DISPLAY": ":1"}, 2, "--headed shows the replay of one trace"),
        (("x", "--base", "http://127.0.0.1"), {"DISPLAY": ":1"}, 2, "--base goes with --live"),
    ],
    ids=["no display", "several traces", "base"],
)
def test_where_there_can_be_no_window(
    reenact: Reenact, words: tuple[str, ...], env: dict[str, str], code: int, said: str
) -> None:
    done = reenact("replay", *words, "--headed", env=env)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


@pytest.mark.sandbox
@pytest.mark.usefixtures("sandbox")
def test_a_trace_without_a_browser_has_nothing_to_show(reenact: Reenact, recording: Recording) -> None:
    done = reenact("replay", recording.trace, "--headed", env={"DISPLAY": ":1"})
    assert done.code == 2
    assert "the trace has none" in done.err
