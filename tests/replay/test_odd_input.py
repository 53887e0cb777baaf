"""Fingers, composed words, closed shadow roots and files from outside: recorded from real input, and done again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from page_session import Person, Recording, recorded

from recorded_browser import site  # isort: skip - found by page_session

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium here"),
]
PAGE = """<!doctype html><title>Inputs</title><style>
#pad {width: 200px; height: 80px; background: #eee; touch-action: none}
#drop {width: 200px; height: 60px; background: #ddd}
</style><h1>Inputs</h1><div id=pad>Pad</div><p id=touched></p><button id=tap>Tap me</button><p id=tapped></p>
<label>Word <input id=word></label><p id=composed></p><x-shut></x-shut><p id=inside></p>
<div id=drop>Drop here</div><p id=dropped></p>
<script>
const touches = [];
for (const type of ['touchstart', 'touchmove', 'touchend', 'touchcancel'])
  pad.addEventListener(type, event => {
    touches.push(`${type} ${event.touches.length} ${Math.round(event.changedTouches[0].clientX)}`);
    touched.textContent = touches.join();
  });
tap.onclick = event => { tapped.textContent = `tapped by ${event.pointerType}`; };
const said = [];
for (const type of ['compositionstart', 'compositionupdate', 'compositionend'])
  word.addEventListener(type, event => said.push(`${type} ${event.data}`));
word.addEventListener('input', () => { composed.textContent = `${word.value}: ${said.join()}`; });
customElements.define('x-shut', class extends HTMLElement {
  constructor() {
    super();
    const root = this.attachShadow({mode: 'closed'});
    root.innerHTML = '<input placeholder=inner><button>Shut</button>';
    root.querySelector('button').onclick = () => {
      inside.textContent = `inside: ${root.querySelector('input').value}`;
    };
  }
});
drop.ondragover = event => event.preventDefault();
drop.ondrop = async event => {
  event.preventDefault();
  const files = [...event.dataTransfer.files];
  const texts = await Promise.all(files.map(file => file.text()));
  dropped.textContent = files.map((file, n) => `${file.name} ${file.size} ${texts[n]}`).join();
};
</script>"""


def test_odd_input_is_done_again(tmp_path: Path) -> None:
    files = [tmp_path / "a.txt", tmp_path / "b.csv"]
    files[0].write_text("alpha")
    files[1].write_text("b,c")
    with site({"inputs.html": PAGE}, tmp_path / "site") as address:
        recording = Recording(tmp_path, "--seed", "7", f"{address}/inputs.html")
        with recording.expert() as page:
            person = Person(page, tmp_path)
            tools = page.context.new_cdp_session(page)

            def touch(kind: str, *points: tuple[float, float]) -> None:
                there = [{"x": x, "y": y} for x, y in points]
                tools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": there})

            def sees(text: str) -> None:
                """What is done next is done to a page at rest, as the recorder saw it."""
                person.sees(text)
                recorded(recording, lambda page: text.encode() in page)

            sees("Inputs")
            x, y, *_ = person.box(person.css("#pad"))
            touch("touchStart", (x + 20, y + 20))
            for way in (20, 40, 60):
                touch("touchMove", (x + 20 + way, y + 20))
            touch("touchEnd")
            sees("touchend")
            x, y, *_ = person.box(person.css("#tap"))
            page.wait_for_timeout(400)  # as a finger needs; soon after a swipe browsers take no tap
            touch("touchStart", (x + 10, y + 10))
            touch("touchEnd")
            sees("tapped by touch")

            person.click(person.field("Word"))
            for text in ("に", "にh", "日本"):
                end = {"text": text, "selectionStart": len(text), "selectionEnd": len(text)}
                tools.send("Input.imeSetComposition", end)
            tools.send("Input.insertText", {"text": "日本"})
            person.type(" ok")
            sees("日本 ok:")

            x, y, *_ = person.box(person.css("x-shut"))
            person.point_at(x + 40, y + 10)
            page.mouse.down()
            page.mouse.up()
            person.type("deep")
            person.press("Tab")
            person.press("Enter")
            sees("inside: deep")

            x, y, *_ = person.box(person.css("#drop"))
            data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
            for kind in ("dragEnter", "dragOver", "dragOver", "drop"):
                tools.send("Input.dispatchDragEvent", {"type": kind, "x": x + 20, "y": y + 20, "data": data})
            sees("a.txt 5 alpha,b.csv 3 b,c")
            person.point(page.get_by_role("heading"))  # so the page tells that it stayed as it was
            recording.close(page)
        result, told = recording.ended()
        recording.process.communicate()
    assert result["state"] == "complete", told
    for file in files:
        file.unlink()
    command = "from recorder.cli import main; main()"
    played = subprocess.run(
        [sys.executable, "-c", command, "replay", "--json", str(recording.out)],
        capture_output=True,
        check=False,
        text=True,
        timeout=180,
    )
    replay = json.loads(played.stdout)
    assert [(step["text"], step["verdict"]) for step in replay["steps"][1:]] == [
        ("drag div “Pad”", "exact"),
        ("click button “Tap me”", "exact"),
        ("click field “Word”", "exact"),
        ("fill field “Word” with “日本 ok”", "exact"),
        ("click field “inner”", "exact"),
        ("fill field “inner” with “deep”", "exact"),
        ("press Tab in field “inner”", "exact"),
        ("press Enter in button “Shut”", "exact"),
        ("upload “a.txt”, “b.csv” to div “Drop here”", "exact"),
    ]
