"""What a session is: a workspace, a shell, an expert's keystrokes, and what must stand there afterwards."""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from expert import Expert

PATH = "/usr/local/bin:/usr/bin:/bin"
SHELLS = ("bash", "zsh", "fish")
Content = str | bytes
# What a path must hold afterwards: exactly this, something matching, or (None) nothing.
Wanted = Content | re.Pattern[str] | None


@dataclass(frozen=True, kw_only=True)
class Session:
    """One session, ready to be played.

    `files` is the workspace at the start (a content that begins with `#!` is made executable), `prepare` may add
    to it, such as a repository with history. `after` and `exit` are what must hold at the end. `rc` is appended to
    the shell's start-up file. `deterministic` is False where the programs themselves draw on chance or on the
    machine; `uses_network` where something listens, if only on loopback; `needs_recorder` where `reenact` is run
    inside the session. `tools` are the programs that must be installed.

    `origin` opens what runs outside of the session while it is played, and gives the environment that tells of it;
    `options` are those that `reenact record` needs.
    """

    name: str
    summary: str
    play: Callable[[Expert], None]
    shell: str = "bash"
    arguments: tuple[str, ...] = ()
    files: Mapping[str, Content] = field(default_factory=dict)
    prepare: Callable[[Path], None] | None = None
    after: Mapping[str, Wanted] = field(default_factory=dict)
    exit: int = 0
    tools: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    rc: str = ""
    prompt_text: str = "e2e$ "
    right_prompt: str = ""
    cols: int = 80
    rows: int = 24
    deterministic: bool = True
    uses_network: bool = False
    needs_recorder: bool = False
    origin: Callable[[], AbstractContextManager[Mapping[str, str]]] = field(default=lambda: nullcontext({}))
    options: tuple[str, ...] = ()

    def missing(self) -> list[str]:
        """The tools that this machine lacks."""
        return [tool for tool in (self.shell, *self.tools) if shutil.which(tool, path=PATH) is None]


@dataclass(frozen=True)
class Stage:
    """Where a session plays: `work` is the workspace, `home` the expert's home folder beside it."""

    root: Path

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def home(self) -> Path:
        return self.root / "home"


@dataclass(frozen=True, kw_only=True)
class Performance:
    """What came of playing a session: exit status, all raw output, the last screen."""

    exit: int
    raw: bytes
    screen: str


def session(
    *, shells: Sequence[str] = ("bash",), **options: object
) -> Callable[[Callable[[Expert], None]], list[Session]]:
    """Makes sessions of a function that plays one: one per shell, named after the function.

    Takes the fields of `Session`. The docstring becomes the summary.
    """

    def define(play: Callable[[Expert], None]) -> list[Session]:
        name = play.__name__.strip("_").replace("_", "-")
        summary = (play.__doc__ or "").strip()
        return [
            Session(
                name=name if len(shells) == 1 else f"{name}-{shell}",
                summary=summary,
                play=play,
                shell=shell,
                **options,  # type: ignore[arg-type]
            )
            for shell in shells
        ]

    return define


def sessions_of(module: ModuleType) -> Iterator[Session]:
    """The sessions that a module defines, in its order."""
    for value in vars(module).values():
        if isinstance(value, list):
            yield from (item for item in value if isinstance(item, Session))


def folder_files(folder: Path) -> dict[str, bytes]:
    """A folder's files, as a session's `files`."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def stub_recorder(stage: Stage) -> dict[str, str]:
    """For plain shells: a `reenact` that does nothing but run checks. Returns the environment that finds it."""
    command = stage.root / "bin" / "reenact"
    command.parent.mkdir()
    command.write_text('#!/bin/sh\n[ "$1" = check ] || exit 0\nshift 2\nexec "$@"\n')
    command.chmod(0o755)
    return {"PATH": f"{command.parent}:{PATH}"}


def set_stage(session: Session, root: Path) -> Stage:
    """Makes the workspace and the home folder of a session below `root`, which must not hold them yet."""
    stage = Stage(root)
    stage.work.mkdir(parents=True)
    # Without this folder fish would read every manual page in the background, beside each session of its own.
    (stage.home / ".local/share/fish/generated_completions").mkdir(parents=True)
    _write_start_files(session, stage.home)
    for name, content in session.files.items():
        path = stage.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(data)
        path.chmod(0o755 if data.startswith(b"#!") else 0o644)
    if session.prepare is not None:
        session.prepare(stage.work)
    return stage


def environment(session: Session, stage: Stage) -> dict[str, str]:
    """The environment that a session starts in; nothing of the developer's own comes through."""
    return {
        "PATH": PATH,
        "HOME": str(stage.home),
        "USER": "expert",
        "LOGNAME": "expert",
        "SHELL": shutil.which(session.shell, path=PATH) or session.shell,
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        **session.env,
    }


def perform(
    session: Session,
    stage: Stage,
    prefix: Sequence[str] = (),
    *,
    extra_env: Mapping[str, str] | None = None,
    patience: float = 10.0,
    pace: float = 0.0,
    watch: Callable[[bytes], None] | None = None,
) -> Performance:
    """Plays a session on its stage, with `prefix` before the shell's command line. Raises `Lost` where it fails."""
    with (
        session.origin() as told,
        Expert(
            [*prefix, session.shell, *session.arguments],
            stage.work,
            environment(session, stage) | dict(told) | dict(extra_env or {}),
            session.cols,
            session.rows,
            prompt_text=session.prompt_text,
            right_prompt=session.right_prompt,
            patience=patience,
            pace=pace,
            watch=watch,
        ) as expert,
    ):
        expert.prompt(patience * 2)
        session.play(expert)
        if not expert.left:
            expert.line("exit")
            expert.leave()
        assert expert.status is not None
        return Performance(exit=expert.status, raw=bytes(expert.raw), screen=expert.screen)


def shell_exit(trace: Path) -> int | None:
    """The exit status of a trace's shell; None if nobody saw it."""
    with zipfile.ZipFile(trace) as members, members.open("events.jsonl") as lines:
        for line in lines:
            event = json.loads(line)
            if event["kind"] == "terminal.ended":
                status: int | None = event["exit"]
                return status
    return None


def shortfalls(session: Session, stage: Stage, exit_status: int | None) -> list[str]:
    """How what stands there differs from what the session promises; empty if it does not."""
    found = []
    if exit_status != session.exit:
        found.append(f"the shell's exit status is {exit_status}, not {session.exit}")
    for name, wanted in session.after.items():
        path = stage.work / name
        if wanted is None:
            if os.path.lexists(path):
                found.append(f"{name} is still there")
        elif not path.is_file():
            found.append(f"{name} is not there")
        elif isinstance(wanted, re.Pattern):
            text = path.read_bytes().decode("utf-8", "replace")
            if not wanted.search(text):
                found.append(f"{name} holds {text!r}, which does not match {wanted.pattern!r}")
        else:
            data = wanted.encode() if isinstance(wanted, str) else wanted
            if path.read_bytes() != data:
                found.append(f"{name} holds {path.read_bytes()!r}, not {data!r}")
    return found


def _write_start_files(session: Session, home: Path) -> None:
    """The start-up files of all three shells (one may start another), each with the plain prompt."""
    text = {
        ".bashrc": "PS1='e2e$ '\n",
        ".zshrc": "PROMPT='e2e$ '\n",
        ".config/fish/config.fish": "set -g fish_greeting\nfunction fish_prompt\n    echo -n 'e2e$ '\nend\n",
    }
    own = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}[session.shell]
    text[own] += session.rc
    for name, content in text.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(content)
