"""Whose a socket is: the session's, somebody else's, or nobody's any more.

The session's processes are the shell and what it, or they, started. One whose parent ended before it was looked at is
not known to be one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from recorder.sources.proxy.processes import Process, holds, process_ids, read_process
from recorder.sources.proxy.sockets import Peer

_MOST_DEPTH = 64


class Kin:
    """The processes of the session of `shell`."""

    def __init__(self, shell: Process) -> None:
        self._shell = shell
        self._older = {pid for pid in process_ids() if self._is_older(pid)}
        """Who was there before the shell is none, and need not be looked at."""
        self._known: set[tuple[int, int]] = {shell.key}

    def __contains__(self, process: Process) -> bool:
        line = [process]
        while line[-1].key not in self._known:
            parent = read_process(line[-1].parent)
            if parent is None or parent.started < self._shell.started or len(line) == _MOST_DEPTH:
                return False
            line.append(parent)
        self._known.update(one.key for one in line)
        return True

    def meet(self, processes: Iterable[Process], living: set[int]) -> None:
        """Looks at new processes while their parents live; `living` are the pids that there are."""
        for process in processes:
            _ = process in self
        if len(self._known) > 4 * len(living) + 1024:
            self._known = {key for key in self._known if key[0] in living}

    def holder(self, peer: Peer) -> Process | None:
        """The session's process that has the socket; None where none has."""
        for pid in sorted(set(process_ids()) - self._older, reverse=True):
            if holds(pid, peer.inode):
                process = read_process(pid)
                if process is not None and process in self:
                    return process
        return None

    def foreign(self, peer: Peer) -> bool:
        """Whether a socket is for sure another's; one that was just closed is nobody's."""
        holders = [pid for pid in process_ids() if holds(pid, peer.inode)]
        if not holders:  # of another user's processes it cannot be seen
            return peer.uid != os.getuid()
        found = [process for pid in holders if (process := read_process(pid)) is not None]
        return bool(found) and not any(process in self for process in found)

    def _is_older(self, pid: int) -> bool:
        process = read_process(pid)
        return process is None or process.started < self._shell.started
