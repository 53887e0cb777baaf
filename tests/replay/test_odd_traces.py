"""Traces that ask for odd places, sizes and names: each ends in a clear error or a verdict, in bounded time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from resealing import Mutant
from small_session import Reenact

from recorder.trace.events import (
    Change,
    CommandEnded,
    CommandStarted,
    FileState,
    Input,
    PromptShown,
    Resized,
    ShellFile,
    TerminalStarted,
    WorkspaceEdited,
    WorkspaceSnapshot,
)

pytestmark = [pytest.mark.sandbox, pytest.mark.usefixtures("sandbox")]

UNSUPPORTED, REJECTED, DIVERGED, FINE = 4, 3, 1, 0
Make = Callable[[Mutant], object]


class Odd(NamedTuple):
    """`make` changes the trace; a replay then ends with `code`, and its error (if it is one) says `says`."""

    make: Make
    code: int
    says: str = ""


def started(**fields: Any) -> Make:
    return lambda m: m.replace(m.terminal, **fields)


def variable(**variables: str) -> Make:
    return lambda m: m.variables(**variables)


def machine(**fields: Any) -> Make:
    return lambda m: m.environment(**fields)


def root(path: str) -> Make:
    return lambda m: m.replace(m.first(WorkspaceSnapshot), root=path)


def home(path: str) -> Make:
    """Another home folder, and no settings files that would lie outside it."""

    def make(m: Mutant) -> None:
        session = m.terminal.env["REENACT_SESSION"]
        m.replace(m.terminal, files=[f for f in m.terminal.files if f.path.startswith(session)])
        m.variables(HOME=session if path == "SESSION" else path)

    return make


def files(*paths: str) -> Make:
    """Further files beside the shell; `S` stands for the session folder, `H` for the home folder."""

    def make(m: Mutant) -> None:
        places = {"S": m.terminal.env["REENACT_SESSION"], "H": m.terminal.env["HOME"]}
        blob = m.put(b"echo evil\n")
        more = [ShellFile(path=places.get(p[:1], p[:1]) + p[1:], mode=0o755, blob=blob) for p in paths]
        m.replace(m.terminal, files=[*m.terminal.files, *more])

    return make


def tree(*entries: tuple[str, dict[str, Any]] | bytes) -> Make:
    """Another snapshot of the workspace: paths with states, or raw lines."""

    def make(m: Mutant) -> None:
        file = {"type": "file", "mode": 0o644, "size": 0}
        lines = [
            e if isinstance(e, bytes) else msgspec.json.encode({"path": e[0], "state": file | e[1]})
            for e in entries
        ]
        m.replace(m.first(WorkspaceSnapshot), tree=m.put(b"".join(line + b"\n" for line in lines)))

    return make


def edit(path: str, **state: Any) -> Make:
    """A file that another program changed while the shell waited."""

    def make(m: Mutant) -> None:
        after = FileState(**{"type": "file", "mode": 0o644, "size": 0, "blob": m.put(b"")} | state)
        ended = m.first(CommandEnded, n=2)
        event = WorkspaceEdited(
            t=ended.t, source="workspace", commands=2, changes=[Change(path=path, before=None, after=after)]
        )
        m.events.insert(m.events.index(ended) + 1, event)

    return make


def resized(cols: int, rows: int) -> Make:
    def make(m: Mutant) -> None:
        begun = m.first(CommandStarted, n=2)
        event = Resized(t=begun.t, source=begun.source, cols=cols, rows=rows, offset=begun.offset)
        m.events.insert(m.events.index(begun), event)

    return make


def without(*kinds: type) -> Make:
    def make(m: Mutant) -> None:
        m.events = [e for e in m.events if not isinstance(e, kinds)]

    return make


def session_in_home(m: Mutant) -> None:
    m.variables(REENACT_SESSION=m.terminal.env["HOME"])


def root_is_session(m: Mutant) -> None:
    root(m.terminal.env["REENACT_SESSION"])(m)


def shell_file_twice(m: Mutant) -> None:
    m.replace(m.terminal, files=[*m.terminal.files, m.terminal.files[0]])


def shell_file_below_another(m: Mutant) -> None:
    files(m.terminal.files[0].path + "/below")(m)


def inputs_from_nowhere(m: Mutant) -> None:
    for event in [e for e in m.events if isinstance(e, Input)]:
        m.replace(event, prompts=2**31 - 1, commands=2**31 - 1)


def far_future(m: Mutant) -> None:
    middle, last = m.events[-1].t // 2, m.events[-1].t
    m.stretched(lambda t: t if t < middle else t + 2**62 - 2 - last)


def year(started_unix_ns: int) -> Make:
    def make(m: Mutant) -> None:
        m.draft = msgspec.structs.replace(m.draft, started_unix_ns=started_unix_ns)

    return make


def long_commands(m: Mutant) -> None:
    """Every command took a century, says the trace."""
    for event in [e for e in m.events if isinstance(e, CommandEnded)]:
        m.replace(event, t=event.t)
    first = m.first(CommandEnded, n=1).t
    m.stretched(lambda t: t if t < first else t + 100 * 365 * 86400 * 10**9)


ODD: dict[str, Odd] = {
    "cwd /": Odd(started(cwd="/"), DIVERGED),
    "cwd with ..": Odd(started(cwd="/usr/../x"), UNSUPPORTED, "cwd is not an absolute path: '/usr/../x'"),
    "cwd relative": Odd(started(cwd="x"), UNSUPPORTED, "not an absolute path"),
    "cwd not there": Odd(started(cwd="/nowhere/at/all"), UNSUPPORTED, "working folder is not in the sandbox"),
    "cwd outside the workspace": Odd(started(cwd="/opt"), DIVERGED),
    "cwd badly escaped": Odd(started(cwd="/tmp/\\q"), UNSUPPORTED, "is not a path"),
    "cwd with NUL": Odd(started(cwd="/tmp/\0"), UNSUPPORTED, "not an absolute path"),
    "cwd with controls": Odd(started(cwd="/tmp/\x1b]0;x\x07\n"), UNSUPPORTED, "working folder"),
    "cwd too long": Odd(started(cwd="/" + "a/" * 8000), UNSUPPORTED, "too long"),
    "cwd with slashes": Odd(started(cwd="//tmp//"), DIVERGED),
    "root /": Odd(root("/"), UNSUPPORTED, "recorded root / cannot be made"),
    "root /etc": Odd(root("/etc"), UNSUPPORTED, "recorded root /etc cannot be made"),
    "root /etc with controls": Odd(root("/etc/\x1b]0;x\x07"), UNSUPPORTED, "recorded root /etc/␛]0;x␇"),
    "root /usr/bin": Odd(root("/usr/bin"), UNSUPPORTED, "sandbox"),
    "root /usr/bin, cwd too": Odd(lambda m: [root("/usr/bin")(m), started(cwd="/usr/bin")(m)], UNSUPPORTED),
    "root /proc/self": Odd(root("/proc/self"), UNSUPPORTED, "cannot be made"),
    "root /dev/shm/x": Odd(root("/dev/shm/x"), UNSUPPORTED, "cannot be made"),
    "root relative": Odd(root("x"), UNSUPPORTED, "not an absolute path"),
    "root is the session folder": Odd(root_is_session, UNSUPPORTED, "sandbox"),
    "argv not there": Odd(started(argv=["/nonexistent/shell"]), DIVERGED),
    "argv empty": Odd(started(argv=[]), UNSUPPORTED, "needs a command"),
    "argv with NUL": Odd(started(argv=["ba\0sh"]), UNSUPPORTED, "NUL"),
    "argv of an option": Odd(started(argv=["--help"]), DIVERGED),
    "argv of an assignment": Odd(started(argv=["A=B", "bash"]), DIVERGED),
    "argv too long": Odd(started(argv=["bash", "-c", "x" * 300_000]), UNSUPPORTED, "sandbox"),
    "argv sleeps": Odd(started(argv=["sleep", "1000"]), DIVERGED),
    "variable with NUL": Odd(variable(FOO="a\0b"), UNSUPPORTED, "'FOO' cannot be set"),
    "variable with newlines": Odd(variable(FOO="a\nLD_PRELOAD=/x\n"), FINE),
    "variable without a name": Odd(variable(**{"": "x"}), UNSUPPORTED, "cannot be set"),
    "variable named A=B": Odd(variable(**{"A=B": "x"}), UNSUPPORTED, "'A=B' cannot be set"),
    "variable named as an option": Odd(variable(**{"-i": "x"}), FINE),
    "variables of loaders": Odd(
        variable(LD_PRELOAD="/tmp/x.so", BASH_ENV="/etc/passwd", ENV="/x", PATH="/nowhere"), DIVERGED
    ),
    "variable too long": Odd(variable(FOO="x" * 200_000), UNSUPPORTED, "sandbox"),
    "no variables": Odd(started(env={}), UNSUPPORTED, "session folder is not an absolute path"),
    "home /": Odd(home("/"), FINE),
    "home empty": Odd(home(""), FINE),
    "home relative": Odd(home("x"), FINE),
    "home with NUL": Odd(home("/a\0"), UNSUPPORTED, "cannot be set"),
    "home with ..": Odd(home("/root/../etc"), FINE),
    "home /etc": Odd(home("/etc"), DIVERGED),
    "home /usr": Odd(home("/usr"), UNSUPPORTED, "sandbox"),
    "home /proc": Odd(home("/proc"), FINE),
    "home /dev": Odd(home("/dev"), UNSUPPORTED, "sandbox"),
    "home /run/reenact": Odd(home("/run/reenact"), FINE),
    "home is the session folder": Odd(home("SESSION"), FINE),
    "session folder is the home folder": Odd(session_in_home, UNSUPPORTED, "lies outside"),
    "session folder /": Odd(variable(REENACT_SESSION="/"), UNSUPPORTED, "cannot be made"),
    "session folder relative": Odd(variable(REENACT_SESSION="x"), UNSUPPORTED, "not an absolute path"),
    "uid 0": Odd(machine(uid=0, gid=0), FINE),
    "uid of the greatest": Odd(machine(uid=2**31 - 1, gid=2**31 - 1), FINE),
    "umask 777": Odd(machine(umask=0o777), DIVERGED),
    "host name too long": Odd(machine(hostname="h" * 200), UNSUPPORTED, "host name"),
    "host name empty": Odd(machine(hostname=""), UNSUPPORTED, "host name"),
    "host name with NUL": Odd(machine(hostname="a\0b"), UNSUPPORTED),
    "user of two lines": Odd(machine(user="a:b\nroot:x:0:0"), FINE),
    "shell file outside": Odd(files("/etc/passwd"), UNSUPPORTED, "lies outside"),
    "shell file relative": Odd(files("x"), UNSUPPORTED, "not an absolute path"),
    "shell file climbs": Odd(files("S/../../x"), UNSUPPORTED, "not an absolute path"),
    "shell file climbs from home": Odd(files("H/../x"), UNSUPPORTED, "not an absolute path"),
    "shell file twice": Odd(shell_file_twice, UNSUPPORTED, "cannot be placed: File exists"),
    "shell file below another": Odd(shell_file_below_another, UNSUPPORTED, "cannot be placed"),
    "shell file is a folder": Odd(files("S/shell"), UNSUPPORTED, "cannot be placed"),
    "shell file of a long name": Odd(files("S/" + "n" * 300), UNSUPPORTED, "File name too long"),
    "shell file deep down": Odd(files("S/" + "n/" * 1900 + "x"), UNSUPPORTED, "too deep"),
    "shell files in place of logs": Odd(files("S/shell-1.log", "S/notes.log"), FINE),
    "terminal of one cell": Odd(started(cols=1, rows=1), DIVERGED),
    "terminal as large as can be": Odd(started(cols=65535, rows=65535), DIVERGED),
    "resized to one cell": Odd(resized(1, 1), DIVERGED),
    "resized to the largest": Odd(resized(65535, 65535), DIVERGED),
    "no prompts": Odd(without(PromptShown, CommandStarted, CommandEnded), DIVERGED),
    "no terminal": Odd(without(TerminalStarted), UNSUPPORTED, "neither terminal nor browser"),
    "no snapshot": Odd(without(WorkspaceSnapshot), DIVERGED),
    "keys from nowhere": Odd(inputs_from_nowhere, DIVERGED),
    "nonce of odd length": Odd(started(nonce="abc"), DIVERGED),
    "nonce empty": Odd(started(nonce=""), DIVERGED),
    "nonce of controls": Odd(started(nonce="ü\x07;.*("), DIVERGED),
    "snapshot of garbage": Odd(tree(b"garbage"), REJECTED, "tree, line 1"),
    "snapshot climbs": Odd(tree(("../x", {})), REJECTED, "must be relative"),
    "snapshot absolute": Odd(tree(("/etc/x", {})), REJECTED, "must be relative"),
    "snapshot below a link": Odd(
        tree(("a", {"type": "link", "target": "/etc"}), ("a/x", {})), REJECTED, "no folder"
    ),
    "snapshot without its content": Odd(tree(("a", {"size": 3, "blob": "0" * 64})), REJECTED, "not in the trace"),
    "snapshot of setuid files": Odd(tree(("a", {"mode": 0o6755})), DIVERGED),
    "snapshot before all time": Odd(tree(("a", {"mtime_ns": -(2**62)})), DIVERGED),
    "edit climbs": Odd(edit("../../x"), REJECTED, "must be relative"),
    "edit below a file": Odd(edit("notes.txt/x"), DIVERGED),
    "edit of the folder itself": Odd(edit(""), REJECTED, "empty"),
    "the far future": Odd(far_future, FINE),
    "1970": Odd(year(0), FINE),
    "the year 2116": Odd(year(2**62 - 1), FINE),
}  # fmt: skip
QUICK = {"cwd with ..", "root /etc", "argv empty", "session folder is the home folder", "shell file outside"}


def _table() -> list[Any]:
    return [
        pytest.param(odd, id=name, marks=[] if name in QUICK else pytest.mark.slow)
        for name, odd in ODD.items()
    ]


@pytest.mark.parametrize("odd", _table())
def test_an_odd_trace_ends_clearly(odd: Odd, mutant: Mutant, reenact: Reenact, tmp_path: Path) -> None:
    odd.make(mutant)
    trace = mutant.seal(tmp_path / "odd.reenact")
    done = reenact("replay", trace, "--timeout", 3)
    assert done.code == odd.code, done
    assert odd.says in done.err, done.err
    assert len(done.err) < 1000
    assert [c for c in done.out + done.err if not c.isprintable() and c != "\n"] == []
    assert bool(done.out) == (odd.code in (FINE, DIVERGED))
