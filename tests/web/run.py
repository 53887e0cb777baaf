"""Does tasks by hand: `python tests/web/run.py NAME… [--shot FOLDER]`; names may be patterns. Without any, lists them.

They are done in a plain Chromium. Exit status 1 if any fell short.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from playwright.sync_api import Error
from web_catalogue import TASKS
from web_stage import perform, plain
from web_task import Task


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="tasks by name or pattern")
    parser.add_argument("--shot", type=Path, help="folder for a picture of each at its end")
    options = parser.parse_args()
    if not options.names:
        for task in TASKS:
            print(f"{task.name:28} {task.summary}")
        return 0
    chosen = [task for task in TASKS if any(fnmatch.fnmatchcase(task.name, name) for name in options.names)]
    if not chosen:
        print("no task is called that; without a name they are listed", file=sys.stderr)
        return 2
    fallen = [task for task in chosen if not _try(task, options.shot)]
    return int(bool(fallen))


def _try(task: Task, shots: Path | None) -> bool:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="web-") as folder:
        app = task.serve(Path(folder))
        try:
            with plain(app.url(task.path)) as person:
                try:
                    perform(task, person, app)
                finally:
                    if shots:
                        person.page.screenshot(path=shots / f"{task.name}.png")
        except (Error, AssertionError, LookupError) as error:
            frames = traceback.extract_tb(error.__traceback__)
            place = next((frame for frame in reversed(frames) if "web_tasks" in frame.filename), frames[0])
            said = "\n     ".join(line for line in str(error).splitlines()[:8] if line.strip())
            print(f"FAIL {task.name}: line {place.lineno}: {place.line}\n     {said}")
            return False
        finally:
            app.close()
    print(f"ok   {task.name} {time.monotonic() - started:.1f} s")
    return True


if __name__ == "__main__":
    sys.exit(main())
