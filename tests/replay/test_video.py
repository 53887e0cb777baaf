"""A film of what a replayed browser showed, and a window of it: that they show it, and that this changes nothing."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import signal
import stat
import struct
import subprocess
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_session import wait_for
from small_session import Reenact

from replay.webm import NoFrame, Webm

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = os.environ.get("REENACT_CHROMIUM") or shutil.which("chromium")
chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: install it, or set REENACT_CHROMIUM to one"
)
LOADED = """source => new Promise((done, failed) => {
  const video = Object.assign(document.createElement("video"), {muted: true, src: source});
  document.body.replaceChildren(video);
  video.onerror = () => failed(video.error.message);
  video.onloadeddata = () => done([video.videoWidth, video.videoHeight, video.duration]);
})"""
COLOUR = """seconds => new Promise(done => {
  const video = document.querySelector("video"), brush = document.createElement("canvas").getContext("2d");
  // A busy browser has come to the place some frames before it has the picture: until then nothing is drawn.
  const look = left => {
    brush.drawImage(video, 0, 0);
    const [red, green, blue, drawn] = brush.getImageData(5, 5, 1, 1).data;
    if (drawn || !left) done([red, green, blue]);
    else requestAnimationFrame(() => look(left - 1));
  };
  video.onseeked = () => look(600);
  video.currentTime = seconds;
})"""


@contextmanager
def opened() -> Iterator[Any]:
    """A page of a browser to play films in."""
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started.new_page(viewport={"width": 320, "height": 200})
        started.close()


def film(page: Any, content: bytes) -> tuple[list[float], Callable[[float], list[int]]]:
    """Width, height and seconds of a film as Chromium has it; and what its colour is when."""
    source = "data:video/webm;base64," + base64.b64encode(content).decode()
    return page.evaluate(LOADED, source), lambda seconds: page.evaluate(COLOUR, seconds)


@pytest.mark.slow
@chromium
def test_chromium_plays_pictures_at_their_times() -> None:
    file = io.BytesIO()
    made = Webm(file)
    with opened() as page:
        devtools = page.context.new_cdp_session(page)
        for ms, colour in ((5000, "red"), (6000, "lime"), (6500, "lime"), (8000, "blue")):
            page.evaluate("colour => document.documentElement.style.background = colour", colour)
            shot = devtools.send("Page.captureScreenshot", {"format": "webp", "quality": 80})
            made.add(ms, base64.b64decode(shot["data"]))
        assert made.frames == 3, "what looks the same adds nothing"
        made.close()
        (width, height, seconds), at = film(page, file.getvalue())
        assert (width, height) == (320, 200)
        assert 4 <= seconds < 4.1
        for moment, channel in ((0.5, 0), (1.5, 1), (2.9, 1), (3.5, 2), (0.2, 0)):
            colour = at(moment)
            assert colour.index(max(colour)) == channel, (moment, colour)


def picture(frame: bytes, kind: bytes = b"VP8 ") -> bytes:
    body = b"WEBP" + kind + struct.pack("<I", len(frame)) + frame
    return b"RIFF" + struct.pack("<I", len(body)) + body


KEY = b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", 320, 200) + b"x" * 20


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"\x89PNG\r\n\x1a\n" + bytes(64),
        picture(KEY, b"VP8L"),
        picture(b"\x11" + KEY[1:]),
        picture(KEY[:3] + b"???" + KEY[6:]),
        picture(KEY[:6] + struct.pack("<HH", 0, 200)),
        picture(KEY)[:-8],
        picture(KEY + bytes(17 << 20)),
    ],
    ids=["nothing", "PNG", "lossless", "no key frame", "no start code", "no width", "cut off", "too large"],
)
def test_what_is_no_picture_is_not_put_into_a_film(told: bytes) -> None:
    file = io.BytesIO()
    with pytest.raises(NoFrame):
        Webm(file).add(0, told)
    assert not file.getvalue()


@given(st.binary(max_size=200))
def test_whatever_a_browser_says_is_a_frame_or_refused(told: bytes) -> None:
    for webp in (told, picture(told), picture(KEY[:6] + told)):
        try:
            Webm(io.BytesIO()).add(0, webp)
        except NoFrame:
            pass


@contextmanager
def screen(folder: Path) -> Iterator[tuple[str, Callable[[int], int]]]:
    """A display without glass: its name, and what tells how many points on it have a colour."""

    def seen(colour: int) -> int:
        points = array("I", (folder / "Xvfb_screen0").read_bytes())
        return points.count(colour) + points.count(0xFF000000 | colour)

    words = [
        "Xvfb",
        "-displayfd",
        "1",
        "-screen",
        "0",
        "1400x1000x24",
        "-nolisten",
        "tcp",
        "-fbdir",
        str(folder),
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        try:
            yield f":{server.stdout.readline().decode().strip()}", seen
        finally:
            server.terminate()


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.usefixtures("sandbox")
@chromium
@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="no Xvfb: apt install xvfb")
def test_a_replay_that_is_filmed_and_shown_holds_as_any_does(
    command: str, browsed: Path, tmp_path: Path
) -> None:
    out, report = tmp_path / "ledger.webm", tmp_path / "report.json"
    words = [command, "replay", str(browsed), "--headed", "--video", str(out), "--report", str(report)]
    terminal, its = os.openpty()
    with screen(tmp_path) as (display, seen):
        done = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=its,
            stderr=subprocess.PIPE,
            env=os.environ | {"DISPLAY": display},
        )
        os.close(its)
        with done, open(terminal, "rb", buffering=0):
            try:
                assert done.stderr is not None
                assert b"the window stays until you close it" in done.stderr.readline()
                # The verdict's green, in the bar of steps; and the page's white.
                wait_for(lambda: seen(0x1F883D) > 3000)
                assert seen(0xFFFFFF) > 400_000
            finally:
                done.send_signal(signal.SIGINT)
    assert done.returncode == 0
    assert {step["verdict"] for step in json.loads(report.read_bytes())["steps"]} <= {"exact", "equivalent"}
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with opened() as page:
        (width, height, seconds), _ = film(page, out.read_bytes())
    assert (width, height) == (1280, 720)
    assert seconds > 1


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.usefixtures("sandbox")
@chromium
def test_a_window_that_does_not_open_is_no_fault_of_the_replay(
    reenact: Reenact, browsed: Path, tmp_path: Path
) -> None:
    nowhere = {"DISPLAY": f":{tmp_path}", "WAYLAND_DISPLAY": ""}
    done = reenact("replay", browsed, "--until", "2", "--headed", "--json", env=nowhere)
    assert done.code == 0, done.err
    assert [step["verdict"] for step in done.json["steps"][:2]] == ["exact", "exact"]
    assert "no window: Chromium ended at once" in done.err


def test_a_film_of_several_traces_is_refused(reenact: Reenact, tmp_path: Path) -> None:
    done = reenact("replay", "one", "two", "--video", tmp_path / "x.webm")
    assert done.code == 2
    assert "--video makes a film of one trace" in done.err
    assert not (tmp_path / "x.webm").exists()
