"""A sandbox's network from outside: every address is local in there, and what listens is in our hands.

The sandbox keeps no way out. Who connects to any address reaches a socket that was opened inside and is served here,
by a process that is not: `getsockname()` of an accepted connection is where its client wanted to go.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct

from recorder.trace.errors import Unsupported
from replay.sandbox import listeners

NAMESERVER = "127.0.0.1"
"""Where a sandbox's programs ask for names, if it has a network."""
_NS_GET_USERNS = 0xB701
INSTALL_NFT = "install nftables (Debian, Ubuntu: apt install nftables; Fedora: dnf install nftables)"
_SECONDS = 20.0
_MOST_PLACES = 1000
_MESSAGE = 65536


class Ports(Struct, kw_only=True):
    """Sockets of a sandbox's namespace, for one owner to serve and close."""

    listeners: list[socket.socket]
    names: list[socket.socket]
    """UDP, port 53."""
    name_listeners: list[socket.socket]
    tables: list[socket.socket]
    """Netlink, for questions about the sandbox's sockets; only of `open_everywhere`."""

    def close(self) -> None:
        """For who does not hand them on."""
        for one in (*self.listeners, *self.names, *self.name_listeners, *self.tables):
            one.close()


def find_nft() -> str | None:
    """The program that sets up netfilter's rules."""
    return shutil.which("nft", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def open_everywhere(pid: int) -> Ports:
    """As `open_ports`, for every port of every address but loopback's: `recorder.trace.destination` tells whom the
    client of an accepted connection wanted. What the session's own programs listen on is theirs. Raises Unsupported.
    """
    nft = find_nft()
    if nft is None:
        raise Unsupported(f"the network of an isolated session needs nft: {INSTALL_NFT}")
    return _open(pid, [], True, nft)


def open_ports(pid: int, places: Iterable[tuple[str, int]], *, names: bool = True) -> Ports:
    """Makes every address local in the network namespace of process `pid` and listens there.

    `places` are (address, port), the address empty for all; with `names` also UDP and TCP port 53. To be called while
    the payload still waits: `pid` is the sandbox's first process. Works as root and as the user who made the sandbox.
    Raises Unsupported where the kernel refuses, naming what.
    """
    return _open(pid, list(dict.fromkeys(places))[:_MOST_PLACES], names, None)


def _open(pid: int, places: list[tuple[str, int]], names: bool, nft: str | None) -> Ports:
    network = user = -1
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        try:
            network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            user = fcntl.ioctl(network, _NS_GET_USERNS)
            order = {
                "to": theirs.fileno(),
                "network": network,
                "user": user,
                "places": places,
                "names": names,
                "nft": nft,
            }
            # A program of its own: only a process with a single thread may change its user namespace.
            with subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(listeners.__file__))],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(network, user, theirs.fileno()),
                cwd="/",
            ) as process:
                theirs.close()
                try:
                    process.communicate(json.dumps(order).encode(), timeout=_SECONDS)
                    return _received(ours)
                finally:
                    process.kill()
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unsupported(f"the sandbox's network cannot be set up: {error}") from error
        finally:
            for fd in (network, user):
                if fd >= 0:
                    os.close(fd)


def _received(ours: socket.socket) -> Ports:
    ports = Ports(listeners=[], names=[], name_listeners=[], tables=[])
    shelf = {
        "tcp": ports.listeners,
        "dns": ports.names,
        "dns-tcp": ports.name_listeners,
        "diag": ports.tables,
    }
    more = True
    try:
        while more:
            message, fds, _, _ = socket.recv_fds(ours, _MESSAGE, listeners.MOST_AT_ONCE)
            said: dict[str, Any] = (
                json.loads(message) if message else {"error": "whoever was to do it did not start"}
            )
            sockets = [socket.socket(fileno=fd) for fd in fds]
            if "error" in said:
                raise OSError(said["error"])
            for kind, made in zip(said["kinds"], sockets, strict=True):
                shelf[kind].append(made)
            more = bool(said["more"])
    except BaseException:
        ports.close()
        raise
    return ports
