"""Which command caused which flow: `python -m bench.causes [--flows 1000] [--shell bash] [--pace 0.3 0.02 ahead]`.

Awkward commands and browsers are typed into a real recorded session until so many flows are in it: at a person's
pace, faster, and ahead of the prompts, with control groups and with the process tree alone. The true cause stands in
each URL. Then what a cause costs: a connection, in a group and without; a command.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from recorder.sources.own_process import boottime
from recorder.sources.proxy.causes import Causes
from recorder.sources.proxy.groups import CommandGroups
from recorder.sources.proxy.session_group import SessionGroup, enter

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


CLIENT = """
import socket, sys
while sys.stdin.readline():
    client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    if sys.argv[2] == "lives":
        client.recv(1)
    client.close()
"""


def costs(connections: int) -> None:
    """How long a cause takes from a connection that is there, by a program that lives on or is through with it."""
    with tempfile.TemporaryDirectory() as name:
        began = time.perf_counter()
        session = SessionGroup.start(Path(name))
        print(f"session start {(time.perf_counter() - began) * 1e3:6.1f} ms")
        for by in ("groups", "tree"):
            for how in ("lives", "is gone"):
                groups = CommandGroups(session.path) if by == "groups" else None
                cost(Causes(groups=groups, clock=boottime), session.path, connections, by, how)
        groups, times = CommandGroups(session.path), []
        for number in range(1, 301):
            began = time.perf_counter()
            groups.started(number)
            groups.prompt()
            groups.tidy()
            times.append((time.perf_counter() - began) * 1e6)
        print(f"the gate, a command  {quantiles(times)}")
        session.close()


def cost(causes: Causes, session: Path, connections: int, by: str, how: str) -> None:
    times = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        causes.notice([b"S", b"%d" % os.getpid()])
        causes.notice([b"C", b"1"])
        argv = [sys.executable, "-c", CLIENT, str(server.getsockname()[1]), how]
        client = subprocess.Popen(argv, stdin=subprocess.PIPE)
        enter(session, "1", client.pid)
        assert client.stdin is not None
        for _ in range(connections):
            client.stdin.write(b"go\n")
            client.stdin.flush()
            accepted, end = server.accept()
            if how == "is gone":
                accepted.recv(1)
            began = time.perf_counter()
            cause = causes.tell(end, server.getsockname())
            times.append((time.perf_counter() - began) * 1e6)
            assert cause.command == 1 or how == "is gone"
            accepted.close()
        client.stdin.close()
        client.wait()
    causes.close()
    print(f"{by:6} {how:8} a connection {quantiles(times)}")


def prompts(folder: Path, shell: str, commands: int = 100, rounds: int = 3) -> None:
    """From the Enter of an empty command to the next prompt, with groups and without, in turns."""
    sessions = {by: Session(folder / by, shell, groups=by == "groups", env=ENV) for by in ("groups", "tree")}
    for _ in range(rounds):
        for session in sessions.values():
            session.type([":"] * commands, pace=0.005)
    for by, session in sessions.items():
        print(f"{by:6} Enter to prompt {quantiles([s * 1e6 for s in session.close().waited])}")


def quantiles(times: list[float]) -> str:
    cuts = statistics.quantiles(times, n=100)
    return f"median {cuts[49]:6.0f} us, p99 {cuts[98]:6.0f} us"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", type=int, default=1000)
    parser.add_argument("--shell", choices=("bash", "zsh", "fish"), default="bash")
    parser.add_argument("--pace", nargs="*", default=["0.3", "0.02", "ahead"])
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
                    f"{result.right / result.flows:.2%} right, {result.guessed} told wrong",
                    flush=True,
                )
                for what, count in result.wrong.most_common(12):
                    print(f"     {count} of {what}")
        prompts(Path(name), options.shell)
    costs(1000)


if __name__ == "__main__":
    main()
