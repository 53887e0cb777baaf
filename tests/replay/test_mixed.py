"""A terminal and a browser in one session: played in the recorded order, pages from the server that it started."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from page_session import Person, Recording, free_port, of, wait_for
from resealing import Mutant
from small_session import Reenact

from recorder.trace.events import BrowserEnded, BrowserStarted, CommandStarted, FlowRequested, ServerSeen

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.usefixtures("sandbox"),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium here"),
]
PROMPT = "\x1b[?2004h"
"""What bash's line editor says when it begins to read."""
TEMPLATE = """<!doctype html><title>Shop</title><h1>Wellcome</h1>
<button onclick="this.textContent = 'pressed'">Press</button>
<p id=visits></p>
<script>visits.textContent = `visit ${localStorage.n = 1 + Number(localStorage.n || 0)}`</script>"""


def run(recording: Recording, line: str) -> None:
    """Types a line at the prompt, and waits for the next."""
    recording.type(line)
    recording.until(PROMPT)


def record(folder: Path) -> tuple[Path, int]:
    """Serves a page, finds a typo in it, mends it in the terminal, reloads, looks at it in a new browser; the trace,
    and the server's port."""
    work = folder / "work"
    work.mkdir()
    (work / "index.html").write_text(TEMPLATE)
    port = free_port()
    recording = Recording.of_shell(folder, "--proxy", shell="bash --norc --noprofile", work=work)
    try:
        recording.until(PROMPT)
        run(recording, f"python3 -m http.server --bind 127.0.0.1 {port} >/dev/null 2>&1 &")
        run(recording, f"until curl -s --noproxy '*' http://127.0.0.1:{port}/ >/dev/null; do sleep 0.1; done")
        run(recording, f"reenact browse --headless --debugging-port $PORT http://127.0.0.1:{port}/")
        with recording.expert() as page:
            person = Person(page, folder)
            person.sees("Wellcome")
            run(recording, "sed -i s/Wellcome/Welcome/ index.html")
            person.reload()
            person.sees("Welcome")
            person.click(person.button("Press"))
            person.sees("pressed")
            person.point(page.get_by_role("heading"))
            recording.close(page)
        wait_for(lambda: of(BrowserEnded, recording.journal()) and not recording.sources())
        run(recording, f"reenact browse --headless --debugging-port $PORT http://127.0.0.1:{port}/?again")
        with recording.expert() as page:
            person = Person(page, folder)
            person.sees("visit 1")
            person.click(person.button("Press"))
            person.sees("pressed")
            person.point(page.get_by_role("heading"))
            run(recording, "kill %1; grep -c Welcome index.html")
            recording.close(page)
        recording.type("exit")
        recording.until('"trace"')
    finally:
        if recording.process.poll() is None:
            recording.process.terminate()
        with recording.process:
            if recording.terminal is not None:
                os.close(recording.terminal)
    return recording.out, port


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    return record(tmp_path_factory.mktemp("mixed"))


def test_both_are_played_in_their_order(mixed: tuple[Path, int], reenact: Reenact, tmp_path: Path) -> None:
    trace, port = mixed
    seen = Mutant(trace, tmp_path)
    assert port in [event.port for event in seen.events if isinstance(event, ServerSeen)]
    assert [event for event in seen.events if isinstance(event, FlowRequested) and f":{port}/" in event.url]
    assert "opened by Reenact" in reenact("show", trace).out
    done = reenact("replay", trace, "--json")
    steps = done.json["steps"]
    assert [
        (step["text"], step["how"]) for step in steps if step["verdict"] not in ("exact", "equivalent")
    ] == []
    assert done.code == 0
    kinds = [step["kind"] for step in steps]
    assert kinds.count("gesture") >= 5
    assert "command" in kinds[kinds.index("gesture") :]
    # The second browser has a profile of its own: it had not been there before.
    assert len([event for event in seen.events if isinstance(event, BrowserStarted)]) == 2
    assert [step["text"].split(" http")[0] for step in steps if step["kind"] == "gesture"] == [
        "go to", "reload", "click button “Press”", "go to", "click button “Press”",
    ]  # fmt: skip


def test_the_page_is_the_replayed_servers_own(
    mixed: tuple[Path, int], reenact: Reenact, tmp_path: Path
) -> None:
    """Another word mended than the trace says: what the browser then shows is what the terminal wrote."""
    lie = Mutant(mixed[0], tmp_path)
    step = lie.step("sed -i")
    lie.tells(step, step.text.replace("s/Wellcome/Welcome/", "s/Wellcome/Farewell/"))
    assert isinstance(lie.first(CommandStarted, n=step.command), CommandStarted)
    done = reenact("replay", lie.seal(tmp_path / "lie.reenact"), "--json")
    bad = {
        step["text"]: step for step in done.json["steps"] if step["verdict"] not in ("exact", "equivalent")
    }
    reloaded = next(step for text, step in bad.items() if text.startswith("reload"))
    assert "Farewell" in str(reloaded)
    assert done.code == 1
