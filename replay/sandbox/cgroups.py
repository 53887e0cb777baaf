"""Memory and process limits over all of a payload's processes, where we may make a cgroup (v1 or v2)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("memory", "pids")


class Group:
    """Cgroups of one payload, below our own. `controllers` says which limits hold; none where we may not."""

    def __init__(self, name: str, *, memory: int, processes: int) -> None:
        self.folders: dict[str, Path] = {}
        """Controller -> folder; with v2 both controllers share one."""
        self._v2 = (ROOT / "cgroup.controllers").exists()
        for controller, folder in _places(self._v2):
            if controller in self.folders:
                continue
            path = folder / name
            try:
                path.mkdir(exist_ok=True)
                self._limit(controller, path, memory, processes)
            except OSError:
                self._drop(path)
            else:
                self.folders[controller] = path
        if self._v2 and len(self.folders) < len(CONTROLLERS):
            for path in set(self.folders.values()):
                self._drop(path)
            self.folders.clear()

    @property
    def controllers(self) -> tuple[str, ...]:
        return tuple(self.folders)

    def _limit(self, controller: str, path: Path, memory: int, processes: int) -> None:
        if controller == "pids":
            _write(path / "pids.max", processes)
        elif self._v2:
            _write(path / "memory.max", memory)
            _try(path / "memory.swap.max", 0)
            _try(path / "memory.oom.group", 1)
        else:
            _write(path / "memory.limit_in_bytes", memory)
            _try(path / "memory.memsw.limit_in_bytes", memory)

    def add(self, pids: Iterable[int]) -> bool:
        """Moves the processes in. False where that was refused: then no limit of this group holds."""
        try:
            for path in set(self.folders.values()):
                for pid in pids:
                    _write(path / "cgroup.procs", pid)
        except OSError:
            self.folders.clear()
            return False
        return bool(self.folders)

    def memory(self) -> int | None:
        """Bytes in use, page cache and kernel memory included; None where nobody counts."""
        path = self.folders.get("memory")
        name = "memory.current" if self._v2 else "memory.usage_in_bytes"
        try:
            return None if path is None else int((path / name).read_bytes())
        except (OSError, ValueError):
            return None

    def kill(self) -> None:
        """Kills all members at once, where the kernel can (v2)."""
        for path in set(self.folders.values()):
            _try(path / "cgroup.kill", 1)

    def _drop(self, path: Path) -> None:
        try:
            path.rmdir()
        except OSError:
            pass


def _places(v2: bool) -> Iterable[tuple[str, Path]]:
    """(controller, folder in which a group may be made), the best first."""
    own = _own_groups()
    if not v2:
        for controller in CONTROLLERS:
            if controller in own and (ROOT / controller).is_dir():
                yield controller, ROOT / controller / own[controller].lstrip("/")
        return
    # A group with processes of its own cannot hand controllers down: so a sibling of ours, or higher up.
    here = ROOT / own.get("", "/").lstrip("/")
    while True:
        try:
            handed_down = (here / "cgroup.subtree_control").read_text().split()
        except OSError:
            handed_down = []
        if all(c in handed_down for c in CONTROLLERS) and os.access(here, os.W_OK):
            yield from ((controller, here) for controller in CONTROLLERS)
        if here == ROOT:
            return
        here = here.parent


def _own_groups() -> dict[str, str]:
    groups: dict[str, str] = {}
    try:
        with open("/proc/self/cgroup") as lines:
            for line in lines:
                _, controllers, path = line.rstrip("\n").split(":", 2)
                groups.update((controller, path) for controller in controllers.split(","))
    except (OSError, ValueError):
        pass
    return groups


def _write(path: Path, value: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, str(value).encode())
    finally:
        os.close(fd)


def _try(path: Path, value: int) -> None:
    try:
        _write(path, value)
    except OSError:
        pass
