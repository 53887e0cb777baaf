"""What a sandbox shall be: plain values that describe it whole. Nothing here touches the machine."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

FISH_COMPLETIONS = ".local/share/fish/generated_completions"
"""Where a home lacks this folder, fish reads all manual pages in the background, for half a minute of a processor."""
MIB = 1 << 20
GIB = 1 << 30


class ClockMode(StrEnum):
    """How the payload sees the time of day."""

    REAL = "real"
    """The machine's own time."""
    FROZEN = "frozen"
    """Time stands at the instant that was set last; with the best tier a sleep moves it by its length."""
    RUNNING = "running"
    """The time of day runs on at real speed from the start's; with the best tier all other clocks are the machine's."""


class Limits(Struct, frozen=True, kw_only=True):
    """What a payload may use at most. `wall_seconds` and `output_bytes` are for the player to enforce."""

    processes: int = 512
    memory: int = 2 * GIB
    """Of all processes together; needs a cgroup that we may create (`support.probe` says whether)."""
    address_space: int | None = None
    """Per process. None: unlimited where a cgroup bounds memory, else `UNGROUPED_ADDRESS_SPACE`."""
    file_size: int = GIB
    open_files: int = 1024
    disk: int = GIB
    """Of workspace, session folder and home together."""
    files: int = 200_000
    """How many files and folders the payload may add to those."""
    temporary: int = 256 * MIB
    """Each of /tmp and /var/tmp."""
    shared_memory: int = 64 * MIB
    """/dev/shm."""
    wall_seconds: float = 600.0
    output_bytes: int = 256 * MIB


UNGROUPED_ADDRESS_SPACE = 16 * GIB


class SandboxSpec(Struct, frozen=True, kw_only=True):
    """A payload and the machine it shall believe to be on. Paths without `_host` are those seen inside."""

    argv: list[str]
    env: dict[str, str]
    """The whole environment: nothing is inherited."""
    workspace: Path | None
    """Host folder with the restored tree, put read-write at `root`. None: an empty folder stands there."""
    root: str
    cwd: str
    session_folder_host: Path
    session_folder: str
    home: str
    """A private folder stands here, unless the workspace or the session folder is at this very path or above."""
    home_host: Path | None = None
    """Host folder put read-write there; None: an empty one."""
    uid: int
    gid: int
    user: str
    hostname: str
    limits: Limits = Limits()
    umask: int = 0o022
    clock: ClockMode = ClockMode.FROZEN
    start_ns: int | None = None
    """Unix time that the clock shows at first; None: the machine's."""
    seed: int = 0x5EED
    """Of the random bytes that programs get, where the clock's tier reaches them; 0 leaves them random."""
    extra_readonly: list[Path] = []
    """Host folders shown read-only at their own paths: tools that live outside the system folders."""
    fixed_addresses: bool = True
    """No address-space randomisation: what programs print of addresses is then the same each time."""
    cols: int = 80
    rows: int = 24
    """Size of the terminal, where the sandbox makes it."""
    nameserver: str = ""
    """Address that programs ask for the addresses of hosts; empty: they know no names but the machine's own."""
    places: list[Bind] = []
    """Further host folders, shown at the paths that they name."""
    trust: bytes = b""
    """Certificate authorities (PEM) to be trusted besides the system's, where the sandbox shows those."""


class Bind(NamedTuple):
    """A host path shown at a path inside."""

    host: Path
    inside: str
    writable: bool
