"""A running proxy, programs that go through it and what it told."""

from __future__ import annotations

import os
import select
import subprocess
import threading
from pathlib import Path
from typing import Any, TypeVar

from recorder.sources.proxy import Proxy, start_proxy
from recorder.sources.proxy.hierarchy import Undividable, own_group
from recorder.trace.blobs import BlobStore
from recorder.trace.codec import decode_event
from recorder.trace.events import AnyEvent, Body
from recorder.trace.journal import read_journal

E = TypeVar("E")
PLAIN = {
    name: value
    for name, value in os.environ.items()
    if name.lower() not in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
}


def dividable() -> bool:
    """Whether control groups can be made here."""
    try:
        own_group()
    except Undividable:
        return False
    return True


class Recording:
    """A proxy under test in a session folder of its own."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.env = {**PLAIN, **options.pop("env", {})}
        self.proxy: Proxy = start_proxy(folder=folder, env=self.env, **options)
        self.inside = {**self.env, **self.proxy.environment()}
        self._events: list[AnyEvent] | None = None
        self._attended = True
        self._attending = threading.Thread(target=self._attend, daemon=True)
        self._attending.start()

    def _attend(self) -> None:
        """What the keeper of a session does."""
        while self._attended and (fd := self.proxy.fileno()) >= 0:
            if select.select([fd], [], [], 0.05)[0] and self._attended:
                self.proxy.attend()

    def unattended(self) -> None:
        self._attended = False
        self._attending.join()

    def run(self, *argv: str, data: bytes | None = None, **env: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            argv, input=data, env={**self.inside, **env}, capture_output=True, timeout=60, check=False
        )

    def curl(self, *arguments: str, data: bytes | None = None) -> bytes:
        done = self.run("curl", "-sS", "--max-time", "50", *arguments, data=data)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def finish(self) -> list[AnyEvent]:
        """Ends the proxy; all that it told."""
        if self._events is None:
            self.unattended()
            assert self.proxy.finish()
            self._events = self.journal()
        return self._events

    def journal(self) -> list[AnyEvent]:
        path = self.folder / "proxy.journal"
        return [decode_event(frame.payload, "proxy.journal") for frame in read_journal(path)]  # type: ignore[misc]

    def told(self, kind: type[E]) -> list[E]:
        return [event for event in self.finish() if isinstance(event, kind)]

    def content(self, body: Body) -> bytes:
        return BlobStore(self.folder / "blobs").get(body.blob) if body.blob else b""
