"""What pages read of the clock between two events, and draw by it, is on replay what it was: to the digit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from page_session import Person, Recording, of, wait_for

from recorder.trace.pages import ClockRead, PageState
from recorder.trace.reader import open_trace

from recorded_browser import site  # isort: skip - found by page_session

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium here"),
]
SAY = """
const say = (...words) => {
  const line = document.createElement('p');
  line.textContent = words.join(' ');
  document.body.append(line);
};
"""
PAGE = (
    """<!doctype html><title>Clocks</title><h1>Clocks</h1><button id=stamp>Stamp</button>
<button id=run>Run</button><button id=work>Work</button>
<canvas id=sheet width=300 height=120></canvas><output id=drawn></output>
<iframe src="inner.html" width=300 height=90></iframe><script>"""
    + SAY
    + """
say('load', Date.now(), performance.now(), performance.timeOrigin, +new Date, Date(), new Date().toISOString());
say(Date.now.toString(), new Date instanceof Date, new Date().constructor === Date, Date.length, Date.name);
const busy = ms => { for (const begin = performance.now(); performance.now() - begin < ms;); };
stamp.onclick = async event => {
  say('click', event.timeStamp, Date.now(), performance.now());
  busy(7);
  say('busy', event.timeStamp, Date.now(), performance.now());
  await null;
  say('promise', Date.now(), performance.now());
  await (await fetch('/inner.html', {cache: 'no-store'})).text();
  say('fetched', Date.now(), performance.now());
  setTimeout(() => say('timer', Date.now(), performance.now()), 40);
};
work.onclick = () => {
  const begin = Date.now();
  const took = () => Date.now() - begin;
  setTimeout(() => {
    say('a timer while the page was at work', took());
    fetch('/inner.html', {cache: 'no-store'}).then(() => say('an answer, then', took()));
    busy(120);
    setTimeout(() => say('worked', took()), 30);
  }, 20);
  busy(150);
};
run.onclick = () => {
  const begin = performance.now();
  let frames = 0;
  requestAnimationFrame(function frame(at) {
    frames++;
    if (at - begin < 400) requestAnimationFrame(frame);
    else say('ran', frames, at, performance.now());
  });
};
const ink = sheet.getContext('2d');
let last = null;
sheet.onpointermove = event => {
  if (!event.buttons) return;
  if (last) {
    ink.strokeStyle = `hsl(${Math.floor(performance.now() * 10 % 360)} 90% 50%)`;
    ink.lineWidth = 1 + (event.timeStamp - last.at) % 7;
    ink.beginPath();
    ink.moveTo(last.x, last.y);
    ink.lineTo(event.offsetX, event.offsetY);
    ink.stroke();
  }
  last = {x: event.offsetX, y: event.offsetY, at: event.timeStamp};
};
sheet.onpointerup = () => {
  let hash = 0;
  for (const value of ink.getImageData(0, 0, 300, 120).data) hash = Math.imul(hash ^ value, 16777619);
  drawn.value = `drawn ${hash}`;
};
</script>"""
)
INNER = f"<!doctype html><button id=stamp>Within</button><script>{SAY}" + (
    "stamp.onclick = event => say('inner', event.timeStamp, Date.now(), performance.now());</script>"
)


def test_clocks_are_read_again(tmp_path: Path) -> None:
    with site({"clock.html": PAGE, "inner.html": INNER}, tmp_path / "site") as address:
        recording = Recording(tmp_path, "--seed", "7", f"{address}/clock.html")
        with recording.expert() as page:
            person = Person(page, tmp_path)
            wait_for(
                lambda: len({state.doc for state in of(PageState, recording.journal()) if state.settled}) == 2
            )
            for _ in range(2):
                person.click(person.button("Stamp"))
                person.sees("timer")
            person.click(person.button("Work"))
            person.sees("worked")
            person.click(person.button("Run"))
            person.sees("ran")
            person.draw(person.css("canvas"), (0.1, 0.1), (0.5, 0.9), (0.9, 0.1))
            person.sees("drawn")
            inner = page.frame_locator("iframe")
            person.click(person.button("Within", inner))
            person.sees("inner", inner)
            assert "native code" in page.locator("p").nth(1).inner_text()
            assert page.locator("p").nth(1).inner_text().endswith("true true 7 Date")
            person.point(page.get_by_role("heading"))  # so the page tells that it stayed as it was
            recording.interrupt()
        result, told = recording.ended()
        recording.process.communicate()
    assert result["state"] == "complete", told
    with open_trace(recording.out) as trace:
        read = [event for event in trace.events if isinstance(event, ClockRead)]
        assert {event.read for event in read} == {"date", "now", "event", "frame", "drawn"}
    command = "from recorder.cli import main; main()"
    played = subprocess.run(
        [sys.executable, "-c", command, "replay", "--json", str(recording.out)],
        capture_output=True,
        check=False,
        text=True,
        timeout=180,
    )
    replay = json.loads(played.stdout)
    assert [step["verdict"] for step in replay["steps"]] == ["exact"] * len(replay["steps"]), played.stdout
    assert not [note for note in replay["notes"] if "clock" in note]
