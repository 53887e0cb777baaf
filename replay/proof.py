"""The proof of a task: in a sandbox, as its environment would run it, the solution earns the reward and doing nothing
does not."""

from __future__ import annotations

import io
import os
import select
import tarfile
import time
from pathlib import Path
from typing import NamedTuple

from recorder.trace.errors import Unsupported, UsageError
from replay.dataset.harbor import SECONDS, WORKSPACE, Task
from replay.sandbox import ClockMode, Sandbox, SandboxSpec, start
from replay.sandbox.scratch import Scratch
from replay.sandbox.spec import Bind

LOGS = "/logs/verifier"
_TOLD = 2000
_MOST_LOG = 1 << 20
_DO = f"bash /solution/solve.sh > {LOGS}/oracle.txt 2>&1 < /dev/null"
_TEST = f"bash /tests/test.sh > {LOGS}/test-stdout.txt 2>&1 < /dev/null"


class Outcome(NamedTuple):
    """A reward, and the last of what the tests (and the solution) wrote. `fault` is why there is no reward."""

    reward: float
    said: str
    fault: str = ""


class Proof(NamedTuple):
    oracle: Outcome
    noop: Outcome

    @property
    def problem(self) -> str:
        """Why it proves nothing; empty where it does."""
        if self.noop.fault:
            return f"doing nothing: {self.noop.fault}"
        if self.noop.reward > 0:
            return "doing nothing earns the reward already"
        if self.oracle.fault:
            return f"the solution: {self.oracle.fault}"
        if self.oracle.reward < 1:
            return f"the solution earns {self.oracle.reward:g}: {self.oracle.said or 'it said nothing'}"
        return ""


def prove(task: Task, seconds: float = SECONDS) -> Proof:
    """Runs the tests after nothing was done, then after the solution, each in a fresh environment and for `seconds` at
    most. Raises Unsupported where this machine has no sandbox, or the task asks for what none can be."""
    noop = _run(task, [_TEST], seconds)
    if noop.reward > 0 or noop.fault:
        return Proof(Outcome(0.0, "", "not run"), noop)
    return Proof(_run(task, [_DO, _TEST], seconds), noop)


def _run(task: Task, scripts: list[str], seconds: float) -> Outcome:
    scratch = Scratch()  # gone also after SIGKILL
    try:
        environment = Environment(task, scratch)
        return environment.run(scripts, seconds)
    finally:
        scratch.close()


class Environment:
    """A task's container without a container: its folders below `scratch`, its programs in sandboxes of ours that share
    them. The tools are this machine's."""

    def __init__(self, task: Task, scratch: Scratch) -> None:
        self._task = task
        self.workspace = scratch.folder("task-workspace", mode=0o755)
        self.home = scratch.folder("task-home", mode=0o755)
        self.logs = scratch.folder("task-logs", mode=0o755)
        self._places: list[Bind] = []
        self._unpack()
        for part in ("solution", "tests"):
            host = scratch.folder(f"task-{part}", mode=0o755)
            _write(
                host, {name: data for name, data in task.files.items() if name.startswith(f"{part}/")}, part
            )
            self._places.append(Bind(host, f"/{part}", False))

    def run(self, scripts: list[str], seconds: float) -> Outcome:
        """Runs lines of shell one after the other, the last of them the tests."""
        home = self._task.env.get("HOME", "/root")
        spec = SandboxSpec(
            argv=["/bin/bash", "-c", "\n".join(scripts)],
            env={"HOME": home, **self._task.env},
            workspace=self.workspace,
            root=self._task.root,
            cwd=self._task.root,
            session_folder_host=self.logs,
            session_folder=LOGS,
            home=home,
            home_host=self.home,
            uid=0,
            gid=0,
            user="root",
            hostname="task",
            clock=ClockMode.REAL,
            fixed_addresses=False,
            places=self._places,
        )
        try:
            sandbox = start(spec)
        except UsageError as error:  # whoever asks is not to blame for what the trace holds
            raise Unsupported(f"the task asks for what no sandbox can be: {error}") from error
        with sandbox:
            try:
                status = _wait(sandbox, seconds)
            finally:
                os.close(sandbox.master)
            breach = sandbox.breach
            read = sandbox.read_file("reward.txt", 64)
            said = sandbox.read_file("test-stdout.txt", _MOST_LOG) or sandbox.read_file(
                "oracle.txt", _MOST_LOG
            )
        last = said[-_TOLD:].decode("utf-8", "replace").strip()
        if status is None:
            return Outcome(0.0, last, f"not done after {seconds:g} seconds")
        if breach is not None:
            return Outcome(0.0, last, breach)
        try:
            return Outcome(float(read), last)
        except ValueError:
            return Outcome(0.0, last, f"the tests wrote no reward: {last or 'they said nothing'}")

    def _unpack(self) -> None:
        data = self._task.files[WORKSPACE]
        with tarfile.open(
            fileobj=io.BytesIO(data), mode="r:", encoding="utf-8", errors="surrogateescape"
        ) as tar:
            tar.extractall(self.workspace, filter="tar")


def _wait(sandbox: Sandbox, seconds: float) -> int | None:
    """The programs' end, or None after `seconds`. What they write to their terminal goes nowhere."""
    until = time.monotonic() + seconds
    while (status := sandbox.wait(0)) is None and time.monotonic() < until:
        ready, _, _ = select.select([sandbox.master], [], [], 0.02)
        if ready:
            try:
                os.read(sandbox.master, 1 << 16)
            except OSError:  # nobody has the terminal any more
                return sandbox.wait(max(0.0, until - time.monotonic()))
    return status


def _write(host: Path, files: dict[str, bytes], part: str) -> None:
    for name, data in files.items():
        place = host / Path(name).relative_to(part)
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        place.write_bytes(data)
        place.chmod(0o755 if name.endswith(".sh") else 0o644)
