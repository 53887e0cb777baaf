"""Which command caused which flow: `python -m bench.causes [--flows 1000] [--shell bash] [--pace 0.3 0.02 ahead]`.

Awkward commands and browsers are typed into a real recorded session until so many flows are in it: at a person's
pace, faster, and ahead of the prompts, with control groups and with the process tree alone. The true cause stands in
each URL. Then what a cause costs: a connection, in a group and without; a command.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "proxy"))

from caused import Pages, browser, commands
from caused_session import Score, Session

ENV = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def score(folder: Path, options: argparse.Namespace, pace: float | None, groups: bool) -> Score:
    pages = Pages()
    session = Session(folder, options.shell, groups=groups, env=ENV)
    chromium = None if options.no_browser else browser()
    while pages.asked < options.flows:
        session.type(commands(pages.url(), folder, options.shell, chromium), pace=pace)
    # Whatever still runs in the background has asked by then.
    session.type(["sleep 2"], pace=0.1)
    pages.shutdown()
    return session.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", type=int, default=1000)
    parser.add_argument("--shell", choices=("bash", "zsh", "fish"), default="bash")
    parser.add_argument("--pace", nargs="+", default=["0.3", "0.02", "ahead"])
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--by", nargs="+", choices=("groups", "tree"), default=["groups", "tree"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-causes-") as name:
        for n, pace in enumerate(options.pace):
            for by in options.by:
                result = score(
                    Path(name, f"{by}-{n}"),
                    options,
                    None if pace == "ahead" else float(pace),
                    by == "groups",
                )
                how = ", ".join(f"{count} by {way}" for way, count in result.how.most_common())
                print(f"{options.shell} {by:6} pace {pace:5} {result.flows} flows: {how}", end="; ")
                print(
                    f"{result.right / result.flows:.2%} right, {result.guessed} told wrong, "
                    f"Enter to prompt {statistics.median(result.waited) * 1e3:.1f} ms",
                    flush=True,
                )
                for what, count in result.wrong.most_common(12):
                    print(f"     {count} of {what}")


if __name__ == "__main__":
    main()
