"""A recorded session as a task of Harbor: instruction, environment, reference solution and tests. Pure.

The environment is the working folder as it was at the start, at its recorded path; the solution does the recorded
steps; the tests are the recorded outcome check. Whether they fit together is for a proof to say (`replay.proof`).
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from recorder.trace.events import Checked, FlowRequested, unescape_path
from recorder.trace.steps import Step
from replay.dataset.format import Unfit
from replay.dataset.material import Material
from replay.dataset.row import Row
from replay.dataset.solution import Solution, heredoc
from replay.export.losses import Losses

SCHEMA = "1.4"
SECONDS = 600
"""What solution and tests may take, each."""

WORKSPACE = "environment/workspace.tar"

_IMAGES = (
    (re.compile(r"Debian GNU/Linux (\d+)"), "debian:{}"),
    (re.compile(r"Ubuntu (\d+\.\d+)"), "ubuntu:{}"),
)
_ELSE = "debian:stable"
_PACKAGES = {
    "git": "git", "python3": "python3", "vim": "vim", "less": "less", "curl": "curl", "wget": "wget", "jq": "jq",
    "make": "make", "gcc": "gcc libc6-dev", "cc": "gcc libc6-dev", "g++": "g++", "node": "nodejs", "npm": "npm",
    "sqlite3": "sqlite3",
    "tmux": "tmux", "nano": "nano", "tree": "tree", "rg": "ripgrep", "ruby": "ruby", "bc": "bc", "file": "file",
    "ps": "procps", "xxd": "xxd", "zip": "zip", "unzip": "unzip", "patch": "patch", "cmake": "cmake", "go": "golang-go",
    "gawk": "gawk", "pip3": "python3-pip", "pip": "python3-pip", "gdb": "gdb", "rsync": "rsync",
    "bzip2": "bzip2", "xz": "xz-utils",
}  # fmt: skip
_VERSIONED = re.compile(r"(python3|vim|gcc|ruby|tmux|nano|node)[.-].*")
_DROPPED_ENV = re.compile(
    r"""(?xi) PATH | HOME | SHELL | USER | LOGNAME | (?:OLD)?PWD | TMPDIR | SHLVL | ENV | PS\d | PROMPT | HIST\w+
    | TERM | COLORTERM | COLUMNS | LINES | LS_COLORS | GREP_COLORS? | (?:GIT_)?(?:SEQUENCE_)?EDITOR | VISUAL
    | (?:GIT_)?PAGER | LESS | VIMINIT | EXINIT | INPUTRC | GIT_(?:AUTHOR|COMMITTER)_(?:NAME|EMAIL) | REENACT_\w+
    | \w+_PROXY | NODE_USE_ENV_PROXY | LD_\w+ | BASH_ENV"""
)
"""What names the expert, belongs to his terminal, or to the recording."""
_LOOPBACK = re.compile(r"localhost|127\.[\d.]+|\[?::1\]?|.*\.localhost")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SAFE = re.compile(r"[\x20-\x23\x25-\x7e]{0,2000}")
"""No `$`: Harbor puts the host's variables in for `${NAME}` in task.toml."""
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9._@+-]+)+")


@dataclass(frozen=True, kw_only=True)
class Task:
    """`files` by their path in the task's folder, all but task.toml. It runs in `root`, with `env`."""

    name: str
    root: str
    env: dict[str, str]
    files: dict[str, bytes]
    metadata: dict[str, Any]

    def toml(self, proof: dict[str, Any] | None) -> bytes:
        """task.toml, with the rewards that a proof found."""
        metadata = self.metadata | {"proof": proof or {"proved": False}}
        tables: dict[str, dict[str, Any]] = {
            "": {"schema_version": SCHEMA},
            "task": {"name": f"reenact/{self.name}", "description": self.metadata["instruction"]},
            "metadata": {key: value for key, value in metadata.items() if not isinstance(value, dict)},
            **{f"metadata.{key}": value for key, value in metadata.items() if isinstance(value, dict)},
            "agent": {"timeout_sec": float(SECONDS)},
            "verifier": {"timeout_sec": float(SECONDS)},
            "environment": {"workdir": self.root, "cpus": 1, "memory_mb": 2048},
            "environment.env": self.env,
        }
        return "\n".join(_table(name, table) for name, table in tables.items()).encode("utf-8", "replace")


def task(row: Row, material: Material, losses: Losses) -> Task:
    """The task that a trace makes. Raises Unfit for one that makes none; the message says why."""
    if not row.instruction.strip():
        raise Unfit("nobody said what the task was (`record --task TEXT`)")
    if row.evaluation.reward != 1.0:
        raise Unfit("no outcome check earned a reward (`reenact check -- COMMAND`)")
    if material.terminal.shell != "bash":
        raise Unfit(f"it was done in {material.terminal.shell or 'no shell'}: solutions run in bash")
    _offline(material)
    checked, step = _check(material)
    solution = Solution(material, losses)
    root = material.root
    env = _environment(material)
    files = {
        "instruction.md": f"{row.instruction.strip()}\n\nThe working folder is `{root}`.\n".encode(
            "utf-8", "replace"
        ),
        "environment/Dockerfile": _dockerfile(material, env, losses),
        WORKSPACE: _tar(material),
        "solution/solve.sh": solution.script,
        **{f"solution/{name}": content for name, content in solution.files.items()},
        "tests/test.sh": _tests(checked, step, root),
    }
    if special := sum(bool(state.mode & 0o7000) for state in material.tree.values()):
        losses.add("set-id and sticky bits of files", count=special)
    if ignored := material.left_out():
        losses.add("paths of the working folder that were left out when it was recorded", count=ignored)
    verdict = row.evaluation.verification.verdict if row.evaluation.verification else "not replayed"
    given = row.provenance
    return Task(
        name=_slug(row),
        root=root,
        env=env,
        files=files,
        metadata={
            "instruction": row.instruction.strip(),
            "source": "recorded by Reenact",
            "trace_id": row.trace_id,
            "trace_sha256": given.trace_sha256,
            "replay_verdict": verdict,
            "recorded_reward": row.evaluation.reward,
            "consent": given.consent or "",
            "source_licence": given.source_licence or "",
            "policy_flags": [flag.flag for flag in row.policy_flags],
        },
    )


def _offline(material: Material) -> None:
    for event in material.events:
        if isinstance(event, FlowRequested):
            host = urlsplit(event.url).hostname or ""
            if not _LOOPBACK.fullmatch(host):
                raise Unfit(f"it needs the network: {event.method} {host[:100]}")


def _check(material: Material) -> tuple[Checked, Step | None]:
    """The check that gave the outcome, and the step that it ran in."""
    found = [event for event in material.events if isinstance(event, Checked)]
    command = material.manifest.outcome.command
    checked = next((event for event in reversed(found) if event.command == command), None)
    if checked is None:
        raise Unfit("the outcome was no command's: its check is not in the trace")
    return checked, next(
        (step for step in material.steps if step.command == command and step.check is not None), None
    )


def _tests(checked: Checked, step: Step | None, root: str) -> bytes:
    """The check as it was typed, so that what the shell put into it is put in again."""
    line = step.text if step is not None and "reenact" in step.text else f"reenact check -- {checked.line}"
    cwd = step.cwd_before if step is not None and step.cwd_before else root
    return f"""\
#!/bin/bash
# The outcome check: reward 1 where it exits 0.
mkdir -p /logs/verifier
echo 0 > /logs/verifier/reward.txt
reenact() {{
  [ "$1" = check ] || return 0
  shift
  [ "$1" = -- ] && shift
  "$@"
  local status=$?
  [ $status -eq 0 ] && echo 1 > /logs/verifier/reward.txt
  return $status
}}
export -f reenact
cd -- {_shell(cwd)} || exit 0
{heredoc(line, "CHECK")}""".encode("utf-8", "surrogateescape")


def _environment(material: Material) -> dict[str, str]:
    """Of what was recorded what a result may depend on. Git gets a name that is nobody's; HOME is the recorded one, for
    paths below it that were typed; PATH has the system's folders, and those of the working folder that it had."""
    recorded = material.terminal.env
    session = recorded.get("REENACT_SESSION") or "\0"
    env = {
        name: value
        for name, value in recorded.items()
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
        and not _DROPPED_ENV.fullmatch(name)
        and _SAFE.fullmatch(value)
        and session not in value
    }
    for role in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{role}_NAME": "Expert", f"GIT_{role}_EMAIL": "expert@example.org"}
    if _is_path(home := recorded.get("HOME", "")):
        env["HOME"] = home
    own = [
        path
        for path in recorded.get("PATH", "").split(":")
        if path.startswith(material.root + "/") and _is_path(path) and not path.startswith(session)
    ]
    env["PATH"] = ":".join([*own, _PATH])
    return dict(sorted(env.items()))


def _is_path(text: str) -> bool:
    """Whether it is an absolute path that nobody need quote."""
    return _PLAIN_PATH.fullmatch(text) is not None and not {".", ".."} & set(text.split("/"))


def _dockerfile(material: Material, env: dict[str, str], losses: Losses) -> bytes:
    told = material.manifest.environment.os
    image = next((name.format(match[1]) for shape, name in _IMAGES if (match := shape.match(told))), _ELSE)
    if image == _ELSE:
        losses.add(f"the recorded system, for which {_ELSE} stands")
    packages = _packages(material, losses)
    home = env.get("HOME", "/root")
    lines = [f"FROM {image}"]
    if packages:
        lines.append(
            "RUN apt-get update && apt-get install -y --no-install-recommends "
            + " ".join(packages)
            + " && rm -rf /var/lib/apt/lists/*"
        )
    lines += [
        f"RUN mkdir -p {material.root} {home}",
        f"ADD workspace.tar {material.root}/",
        *(f"ENV {name}={json.dumps(value).replace('$', chr(92) + '$')}" for name, value in env.items()),
        f"WORKDIR {material.root}",
    ]
    return ("\n".join(lines) + "\n").encode()


def _packages(material: Material, losses: Losses) -> list[str]:
    """Debian's packages with the tools that the session used. Of tools from elsewhere nobody knows a package."""
    found: set[str] = set()
    for path in material.manifest.environment.tools:
        name = unescape_path(path).decode("utf-8", "replace")
        folder, _, base = name.rpartition("/")
        plain = match[1] if (match := _VERSIONED.fullmatch(base)) else base
        if folder in ("/bin", "/usr/bin", "/usr/sbin", "/sbin"):
            found.update(_PACKAGES.get(plain, "").split())
        elif not name.startswith(material.root + "/") and base != "reenact":
            losses.add("tools from outside the system's folders, which the image lacks")
    if any(re.search(r"\bpytest\b", step.text) for step in material.steps if step.kind == "command"):
        found |= {"python3", "python3-pytest"}
    return sorted(found)


def _tar(material: Material) -> bytes:
    """The working folder, the same bytes each time: everything is root's."""
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape"
    ) as tar:
        for path in sorted(material.tree):
            state = material.tree[path]
            entry = tarfile.TarInfo(path.decode("utf-8", "surrogateescape"))
            entry.mode = state.mode & 0o777
            entry.mtime = max(0, (state.mtime_ns or 0) // 10**9)
            content = b""
            if state.type == "folder":
                entry.type = tarfile.DIRTYPE
            elif state.type == "link":
                entry.type = tarfile.SYMTYPE
                entry.linkname = unescape_path(state.target or "").decode("utf-8", "surrogateescape")
            else:
                content = material.content(path, state)
                entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def contents_of(workspace: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the texts in a packed working folder, without git's own."""
    with tarfile.open(fileobj=io.BytesIO(workspace), mode="r:", errors="surrogateescape") as tar:
        for entry in tar:
            file = tar.extractfile(entry) if entry.isfile() else None
            if file is None or ".git" in entry.name.split("/"):
                continue
            content = file.read()
            if b"\0" not in content[:8192]:
                yield entry.name, content


def _slug(row: Row) -> str:
    """A name of the task: its first words, and the end of the trace's id, which tells it from others."""
    words = re.findall(r"[a-z0-9]+", row.instruction.lower())[:6]
    tail = re.sub(r"[^a-z0-9]", "", row.trace_id.lower())[-8:]
    return "-".join([*words, tail])[-60:].strip("-")


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _table(name: str, table: dict[str, Any]) -> str:
    head = f"[{name}]\n" if name else ""
    return head + "".join(f"{key} = {_value(value)}\n" for key, value in table.items())


def _value(value: Any) -> str:
    """TOML of a scalar or a list; its strings are JSON's but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
