"""Reads every file of a recording again and again, as a thief would: unpacked, put together, in every encoding."""

from __future__ import annotations

import re
import threading
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import zstandard
from ahocorasick_rs import BytesAhoCorasick
from corpus import ENCODINGS

from recorder.trace.codec import decode_event
from recorder.trace.events import Input
from recorder.trace.frames import MAGIC, FrameDecoder, Kind
from recorder.trace.reader import open_trace

_ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[=>])")


class Thief:
    """Looks for `secrets` in all files below `folders`, in those of a session while it runs (`with`)."""

    def __init__(self, secrets: Iterable[str], folders: list[Path]) -> None:
        self.found: set[tuple[str, str]] = set()
        self.looks = 0
        self._folders = folders
        self._names: list[str] = []
        patterns: list[bytes] = []
        for secret in secrets:
            for name, encode in ENCODINGS.items():
                form = encode(secret).strip("\"'=")
                form = form[4:-4] if name.startswith("base64-") else form
                if len(form) >= 6 and form.encode() not in patterns:
                    patterns.append(form.encode())
                    self._names.append(f"{secret} as {name}")
        self._automaton = BytesAhoCorasick(patterns)
        self._states: dict[Path, tuple[int, int]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """Reads what is new or has changed."""
        self.looks += 1
        for folder in self._folders:
            for path in folder.rglob("*"):
                try:
                    status = path.lstat()
                    state = status.st_size, status.st_mtime_ns
                    if not path.is_symlink() and path.is_file() and self._states.get(path) != state:
                        self._states[path] = state
                        self.read(path)
                except (FileNotFoundError, zstandard.ZstdError):
                    continue  # gone meanwhile, or not whole yet

    def read(self, path: Path) -> None:
        data = path.read_bytes()
        for text in (data, *_said(path, data)):
            flat = text.replace(b"\r\n", b"")
            for view in (text, flat, _ESCAPES.sub(b"", flat)):
                for index, _, _ in self._automaton.find_matches_as_indexes(view):
                    self.found.add((path.name, self._names[index]))

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            self.look()


def _said(path: Path, data: bytes) -> list[bytes]:
    """What a file says beyond its bytes."""
    if path.suffix == ".zst":
        return [zstandard.ZstdDecompressor().decompressobj().decompress(data)]
    if data.startswith(MAGIC):
        frames = list(FrameDecoder().feed(data[len(MAGIC) :]))
        events = [decode_event(f.payload, path.name) for f in frames if f.kind == Kind.EVENT]
        output = b"".join(f.payload for f in frames if f.kind == Kind.OUTPUT)
        return [output, b"".join(e.data for e in events if isinstance(e, Input))]
    if zipfile.is_zipfile(path):
        with open_trace(path) as trace:
            lines = b"\n".join(recorded.line for recorded in trace.events.lines())
            keys = b"".join(e.data for e in trace.events if isinstance(e, Input))
            output = trace.terminal_output(1, 0, 1 << 40)
            blobs = [trace.blob(digest) for digest in trace.blob_digests()]
        with zipfile.ZipFile(path) as members:
            casts = [members.read(name) for name in members.namelist() if name.endswith(".cast")]
        return [lines, keys, output, *blobs, *casts]
    return []
