"""How a recording begins: its folder, its names, its vault, and the network that its programs will use."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from recorder import vaults
from recorder.memory import drop_memory, memory_folder
from recorder.sessionfile import Request
from recorder.trace import folders
from recorder.trace.errors import RecordingFailed, Unsupported, UsageError
from recorder.trace.manifest import new_trace_id
from recorder.trace.removal import remove_tree

if TYPE_CHECKING:
    from recorder.sources.proxy import Proxy

Say = Callable[[str], None]
_REDACTOR = "recorder.network.redaction:network_redactor"  # imported in the process that works with it


class Begun(NamedTuple):
    """What every session has before its sources start. `started_unix` and `boottime` are the same moment, in ns of
    both clocks; `told` are the secrets that were named. What is put on `stack` is undone when the session ends."""

    request: Request
    say: Say
    stack: ExitStack
    folder: Path
    memory: Path | None
    out: Path
    trace_id: str
    started_unix: int
    boottime: int
    env: dict[str, str]
    told: dict[str, bytes]
    guard: vaults.Guard

    def start_proxy(self) -> Proxy:
        """Starts the session's proxy. Raises Unsupported or RecordingFailed."""
        from recorder.sources.proxy import start_proxy  # here: it takes a while, and most sessions need none

        request, vault = self.request, self.guard.vault
        settings = b"" if vault is None else msgspec.json.encode({"vault": str(vault)})
        proxy = start_proxy(
            folder=self.folder,
            env=self.env,
            everywhere=request.isolated,
            redact=None if vault is None else _REDACTOR,
            redact_settings=settings,
        )
        self.stack.callback(proxy.finish)
        return proxy


@contextmanager
def begin(request: Request, say: Say, *, in_memory: bool) -> Iterator[Begun]:
    """A session's folder, private and new. With `in_memory` and redaction it has one in memory, too, if it can.

    Raises UsageError, Unsupported or RecordingFailed, also from within: nothing of the session is left then.
    """
    if os.environ.get("REENACT_SESSION") and not os.environ.get("REENACT_NESTED"):
        raise UsageError(
            "this shell is being recorded already; set REENACT_NESTED=1 to record a session inside the session"
        )
    if request.secret_names and not request.redact:
        raise UsageError("--secret and --no-redact exclude each other")
    started_unix, boottime = time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    name = folders.default_name(started_unix / 1e9)
    out = _out_path(request, name)
    folder = _session_folder(f"{name}-{secrets.token_hex(3)}")
    memory = memory_folder(os.environ) if request.redact and in_memory else None
    trace_id = new_trace_id(started_unix, secrets.token_bytes(10))
    env = dict(os.environ)
    env.pop("REENACT_NESTED", None)
    told: dict[str, bytes] = {}
    guard = vaults.Guard(None, None)
    try:
        with ExitStack() as stack:
            if request.redact:
                told = vaults.told_secrets(request.secret_names, env, say)
                guard = vaults.new_guard(trace_id, told.values(), env)
                stack.callback(vaults.drop_empty, guard.vault)
            yield Begun(
                request, say, stack, folder, memory, out, trace_id, started_unix, boottime, env, told, guard
            )
    except (UsageError, RecordingFailed, Unsupported):
        drop_memory(memory)
        with suppress(OSError):
            remove_tree(folder)
        raise
    finally:
        if memory is not None:
            with suppress(OSError):
                memory.rmdir()  # whatever went wrong: one that holds nothing is of no use to a recovery


def _out_path(request: Request, name: str) -> Path:
    out = (request.out or folders.trace_folder() / f"{name}.reenact").absolute()
    if out.is_dir():
        raise UsageError(f"{out} is a folder; name a file, such as {out / f'{name}.reenact'}")
    if out.exists() and not request.overwrite:
        raise UsageError(f"{out} exists; choose another name or give --overwrite")
    if request.out and not out.parent.is_dir():
        raise UsageError(f"{out.parent} does not exist; make it first")
    return out


def _session_folder(name: str) -> Path:
    try:
        return folders.new_session_folder(folders.trace_folder(), name)
    except OSError as error:
        raise RecordingFailed(
            f"no session folder in {folders.trace_folder()}: {error.strerror}; set REENACT_TRACES to a folder of yours"
        ) from error
