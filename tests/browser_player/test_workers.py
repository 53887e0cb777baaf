"""Workers of a page that is played: their clock is the replay's, and their chance the same in each."""

from __future__ import annotations

import re
import shutil

import pytest
from player_stage import Script, Stage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium here"),
]
ORIGIN = "http://localhost:8080"
"""One that browsers take for safe: there are more of crypto's functions."""
BUTTON = "<button style='position:fixed;left:0;top:0;width:90px;height:40px'>Ask</button><p id=out></p>"
TICKS = """<script>
const chance = "const chance = () => [crypto.randomUUID(), ...crypto.getRandomValues(new Uint32Array(2))].join('-');";
const code = chance + `
  let ticks = 0;
  const at = performance.now();
  setInterval(() => ticks++, 1000);
  onmessage = async ({data}) => {
    await new Promise((later) => setTimeout(later, 300));
    const waited = performance.now() - at;
    postMessage([data, ticks, waited, Date.now(), chance(), Math.random()].join(' '));
  };`;
const url = URL.createObjectURL(new Blob([code], {type: 'text/javascript'}));
const shared = new SharedWorker(URL.createObjectURL(new Blob([chance,
  `onconnect = ({ports: [port]}) => {
     let ticks = 0;
     setInterval(() => ticks++, 500);
     port.onmessage = () => port.postMessage(['shared', ticks, Date.now(), chance()].join(' '));
   }`])));
shared.port.onmessage = ({data}) => out.append(data, document.createElement('br'));
const workers = [new Worker(url), new Worker(url, {type: 'module'}), new Worker(URL.createObjectURL(new Blob([
  `const inner = new Worker('${url}'); inner.onmessage = ({data}) => postMessage(data);
   onmessage = ({data}) => inner.postMessage(data);`])))];
workers.forEach((worker) => worker.onmessage = ({data}) => out.append(data, document.createElement('br')));
document.querySelector('button').onclick = () => {
  workers.forEach((worker, n) => worker.postMessage(n));
  shared.port.postMessage('');
};
</script>"""


def _asked_after_ten_seconds() -> Script:
    script = Script(ORIGIN + "/")
    script.click(20, 15, after=10_000)
    script.event("pointermove", 1_000, x=300, y=300, pointer="mouse")
    return script


def test_workers_have_the_replays_clock_and_the_same_chance_each_time(stage: Stage) -> None:
    stage.origin = ORIGIN
    seen = []
    for _ in range(2):
        _, played = stage.play(
            _asked_after_ten_seconds(), {"/": BUTTON + TICKS}, until="out.children.length == 4"
        )
        assert (played.missed, played.remarks) == ([], [])
        lines = sorted(line for line in stage.seen.split("\n")[1:] if line)
        # Ten seconds and 60 ms until the click, 300 until the answer.
        assert [re.match(r"(\S+) (\d+)", line)[0] for line in lines] == ["0 10", "1 10", "2 10", "shared 20"]  # type: ignore[index]
        assert len({line.split()[4] for line in lines[:3]}) == 3, "two workers have one number"
        seen.append(lines)
    assert seen[0] == seen[1]
