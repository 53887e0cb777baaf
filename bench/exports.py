"""Web tasks in other formats, done again by their tools: `python -m bench.exports [NAME…] [--traces FOLDER]`.

Each task of tests/web is recorded by real input, then exported: as a Playwright script, which is run against the
application set up anew, and as a DevTools recording, which Chrome's own replayer runs likewise. A task is done again
where the tool comes to its end and the application then holds what it must. The third column says why it was not.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "web"))

from playwright.sync_api import Error  # noqa: E402
from web_catalogue import TASKS  # noqa: E402
from web_stage import CHROMIUM, COMMAND, record  # noqa: E402
from web_task import Task  # noqa: E402

RUNNER = ROOT / "tests" / "interop" / "devtools" / "run.mjs"
SECONDS = 120
SECRET = "correct horse"
"""What every person of the tasks types into fields that are withheld."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=["*"], help="tasks by name or pattern")
    parser.add_argument("--traces", type=Path, help="folder that traces are taken from, or put into")
    options = parser.parse_args()
    chosen = [task for task in TASKS if any(fnmatch.fnmatchcase(task.name, name) for name in options.names)]
    done = {"playwright": 0, "devtools": 0}
    count = 0
    for task in chosen:
        with tempfile.TemporaryDirectory(prefix="exports-") as folder:
            try:
                trace = _recorded(task, Path(folder), options.traces)
            except (Error, AssertionError, LookupError) as why:
                print(f"{task.name:16} not recorded: {_last(str(why))}", flush=True)
                continue
            count += 1
            for form, tool in (("playwright", _script), ("devtools", _recording)):
                why = tool(task, trace, Path(folder))
                done[form] += not why
                print(f"{task.name:16} {form:10} {why or 'done again'}", flush=True)
    print(", ".join(f"{form}: {n} of {count}" for form, n in done.items()))
    return 0


def _recorded(task: Task, folder: Path, traces: Path | None) -> Path:
    if traces is None:
        return record(task, folder)
    kept = traces / f"{task.name}.reenact"
    if not kept.exists():
        traces.mkdir(exist_ok=True)
        shutil.copy(record(task, folder), kept)
    return kept


def _script(task: Task, trace: Path, folder: Path) -> str:
    script = folder / "test_task.py"
    _export("playwright", trace, script)
    wanted = dict.fromkeys(
        re.findall(r'^(\w+) = os\.environ\["\1"\]', script.read_text(), re.MULTILINE), SECRET
    )
    return _done(task, folder / "script", lambda origin: (
        [sys.executable, str(script)], {"ORIGIN": origin, "CHROMIUM": str(CHROMIUM), **wanted},
    ))  # fmt: skip


def _recording(task: Task, trace: Path, folder: Path) -> str:
    out = folder / "task.json"
    _export("devtools-recording", trace, out)
    told = json.dumps(json.loads(out.read_text()), ensure_ascii=False)
    if unsaid := sorted(set(re.findall(r'"name": "reenact\.(\w+)"', told))):
        return f"the format has no words for: {', '.join(unsaid)}"
    url = next(step["url"] for step in json.loads(told)["steps"] if step["type"] == "navigate")
    recorded = "/".join(url.split("/")[:3])

    def words(origin: str) -> tuple[list[str], dict[str, str]]:
        out.write_text(re.sub("•+", SECRET, told.replace(recorded, origin)))
        return ["node", str(RUNNER), str(CHROMIUM), str(out)], {}

    return _done(task, folder / "recording", words)


def _export(form: str, trace: Path, out: Path) -> None:
    subprocess.run([COMMAND, "export", form, str(trace), "-o", str(out)], check=True, capture_output=True)


def _done(task: Task, folder: Path, words: Callable[[str], tuple[list[str], dict[str, str]]]) -> str:
    """Why the task was not done again; empty where it was."""
    folder.mkdir()
    app = task.serve(folder)
    try:
        argv, env = words(app.url().rstrip("/"))
        tool = subprocess.run(
            argv, env=os.environ | env, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        if tool.returncode != 0:
            return _last(tool.stderr)
        task.outcome(app)
    except subprocess.TimeoutExpired:
        return f"no end within {SECONDS} s"
    except (AssertionError, LookupError) as error:
        return f"another outcome: {_last(repr(error))}"
    finally:
        app.close()
    return ""


def _last(text: str) -> str:
    lines = [
        line
        for line in text.splitlines()
        if re.match(r"\w*(?:Error|Exception)|AssertionError|\S+Error:", line)
    ]
    return " ".join((lines or text.splitlines()[-1:] or ["?"])[0].split())[:160]


if __name__ == "__main__":
    sys.exit(main())
