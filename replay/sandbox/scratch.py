"""Private folders of one sandbox on the host, and the janitor that clears up after it whatever happens."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from recorder.trace.errors import Unsupported

_JANITOR = r"""
trap '' HUP INT QUIT TERM
while IFS= read -r line; do set -- "$@" "$line"; done
for line in "$@"; do
  path=${line#* }
  case $line in
  "group "*)
    n=0
    while [ -d "$path" ] && ! rmdir -- "$path" && [ $n -lt 100 ]; do n=$((n+1)); sleep 0.05; done;;
  "tree "*)
    rm -rf --one-file-system -- "$path" || { chmod -R u+rwx -- "$path"; rm -rf --one-file-system -- "$path"; };;
  esac
done 2>/dev/null
"""
"""Reads what there is to remove until its owner closes the pipe, or dies."""


class Scratch:
    """A folder `path` (mode 0711, so that the payload's uid gets through to what it was given) that is gone after
    `close()`, and after our SIGKILL as well: a small process of its own waits for either and removes it.
    """

    def __init__(self, base: Path | None = None) -> None:
        try:
            self.path = Path(tempfile.mkdtemp(prefix="reenact-sandbox-", dir=base or default_base()))
        except OSError as error:
            raise Unsupported(f"no folder for the sandbox: {error}; free space or set TMPDIR") from error
        self.path.chmod(0o711)
        self._janitor = subprocess.Popen(
            ["/bin/sh", "-c", _JANITOR, "reenact-janitor"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env={"PATH": "/usr/bin:/bin"},
        )
        self._tell(f"tree {self.path}")

    @property
    def holds(self) -> int:
        """A descriptor: as long as any process has a copy of it open, all stays, even after our death."""
        assert self._janitor.stdin is not None
        return self._janitor.stdin.fileno()

    def remove_group(self, path: Path) -> None:
        """Has a cgroup removed too, once it is empty."""
        self._tell(f"group {path}")

    def folder(self, name: str, *, mode: int = 0o700, owner: tuple[int, int] | None = None) -> Path:
        """A new folder below."""
        path = self.path / name
        path.mkdir()
        if owner is not None:
            os.chown(path, *owner)
        path.chmod(mode)
        return path

    def close(self, timeout: float = 20.0) -> None:
        """Removes everything. May be called again."""
        assert self._janitor.stdin is not None
        if self._janitor.returncode is not None:
            return
        self._janitor.stdin.close()
        try:
            self._janitor.wait(timeout)
        except subprocess.TimeoutExpired:  # it goes on by itself; nobody need wait for it
            pass

    def _tell(self, line: str) -> None:
        assert self._janitor.stdin is not None
        self._janitor.stdin.write(line.encode() + b"\n")
        self._janitor.stdin.flush()


def default_base() -> Path:
    """A disk folder rather than one in memory: a replayed `ls -l` then shows sizes as a disk has them."""
    if "TMPDIR" not in os.environ and os.access("/var/tmp", os.W_OK | os.X_OK):
        return Path("/var/tmp")
    return Path(tempfile.gettempdir())
