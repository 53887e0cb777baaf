"""What this machine can do for a replay: tried for real, and told with the way to mend it."""

from __future__ import annotations

import os
import struct
import tempfile
from pathlib import Path

from msgspec import Struct

from recorder.trace.errors import ReenactError
from replay.sandbox import boundary, clock, page, syscalls
from replay.sandbox.machine import start
from replay.sandbox.ports import INSTALL_NFT, find_nft
from replay.sandbox.reasons import INSTALL
from replay.sandbox.spec import SandboxSpec

_PT_INTERP = 3


class Support(Struct, frozen=True, kw_only=True):
    """`ok`: replays can run. `reasons`: (what is missing or weaker, how to mend it), the worst first."""

    ok: bool
    reasons: list[tuple[str, str]]
    bubblewrap: str | None
    user_namespaces: bool
    seccomp: bool
    cgroups: list[str]
    """Controllers that bound all processes together: memory, pids."""
    quotas_in_memory: bool
    """/tmp, /var/tmp and /dev/shm also have a bounded number of files (as root only)."""
    clock: str
    """Tier: page, libfaketime or real."""
    clock_cannot_reach: str


def probe() -> Support:
    """Runs /bin/true in a real sandbox. Takes some 100 ms; a second or two where the clock is still to be compiled."""
    reasons: list[tuple[str, str]] = []
    bubblewrap = boundary.find_bubblewrap()
    if bubblewrap is None:
        reasons.append(("bubblewrap, which makes the sandbox, is not installed", INSTALL))
    try:
        seccomp = bool(syscalls.filter_program())
    except ReenactError as error:
        seccomp = False
        reasons.append(("no system-call filter", str(error)))
    namespaces, tier, unreached = False, "real", clock.RealClock.unreached
    groups: list[str] = []
    if bubblewrap is not None and seccomp:
        try:
            namespaces, groups, tier, unreached = _trial()
        except ReenactError as error:
            reasons.append(("the sandbox does not start", str(error)))
    ok = namespaces and not reasons
    if ok and "memory" not in groups:
        mend = "run where cgroups are handed to you (`systemd-run --user --scope -p Delegate=yes ...`), or as root"
        what = "memory is bounded per process, not in all, and Chromium does not start: no cgroup may be made here"
        reasons.append((what, mend))
    if ok and tier != "page":
        reasons.append((f"the clock is of tier {tier}: {unreached}", _clock_advice()))
    if ok and find_nft() is None:
        reasons.append(
            ("no network for isolated sessions (`record --isolated --proxy`): nft is not here", INSTALL_NFT)
        )
    return Support(
        ok=ok,
        reasons=reasons,
        bubblewrap=bubblewrap.version if bubblewrap else None,
        user_namespaces=namespaces,
        seccomp=seccomp,
        cgroups=groups,
        quotas_in_memory=os.geteuid() == 0,
        clock=tier,
        clock_cannot_reach=unreached,
    )


def _trial() -> tuple[bool, list[str], str, str]:
    with tempfile.TemporaryDirectory(prefix="reenact-probe-") as folder:
        spec = SandboxSpec(
            argv=["/bin/true"],
            env={"PATH": "/usr/bin:/bin"},
            workspace=None,
            root="/workspace",
            cwd="/workspace",
            session_folder_host=Path(folder),
            session_folder="/session",
            home="/home/user",
            uid=1000,
            gid=1000,
            user="user",
            hostname="probe",
        )
        with start(spec) as sandbox:
            os.set_blocking(sandbox.master, False)
            status = sandbox.wait(10.0)
            groups, tier, unreached = sandbox.controllers, sandbox.clock, sandbox.clock_cannot_reach
            os.close(sandbox.master)
        if status != 0:
            raise ReenactError(f"/bin/true ended with {status} in the sandbox")
        return True, list(groups), tier, unreached


def _clock_advice() -> str:
    if page.library() is None:
        return "install a C compiler (Debian, Ubuntu: apt install gcc libc6-dev); it is needed once"
    return "see `replay/sandbox/clock.py`"


def is_static(program: Path) -> bool | None:
    """Whether an ELF program is statically linked, so that the clock does not reach it; None for no ELF program."""
    try:
        with open(program, "rb") as file:
            head = file.read(64)
            if head[:4] != b"\x7fELF" or len(head) < 64:
                return None
            order = "<" if head[5] == 1 else ">"
            layout, at = (order + "Q", 32) if head[4] == 2 else (order + "I", 28)
            (table,) = struct.unpack_from(layout, head, at)
            entry, count = struct.unpack_from(order + "HH", head, 54 if head[4] == 2 else 42)
            file.seek(table)
            headers = file.read(entry * min(count, 64))
    except OSError:
        return None
    starts = range(0, len(headers) - 3, max(entry, 1))
    return all(struct.unpack_from(order + "I", headers, at)[0] != _PT_INTERP for at in starts)


def static_programs(names: list[str], search: str) -> list[str]:
    """Of these commands, those that the clock does not reach."""
    found = []
    for name in names:
        for folder in search.split(":"):
            path = Path(folder, name)
            if folder.startswith("/") and os.access(path, os.X_OK):
                if is_static(path):
                    found.append(name)
                break
    return found
