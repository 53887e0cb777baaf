"""Runs as a program of its own, inside the network namespace of a sandbox: makes every address local, opens sockets
there and hands them out. Needs nothing but the standard library; started by `ports`."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_RTM_NEWLINK, _RTM_NEWADDR, _RTM_NEWROUTE, _NLMSG_ERROR = 16, 20, 24, 2
_NAME, _LINK_INFO, _INFO_KIND, _LOCAL_ADDRESS = 3, 18, 1, 2
_FAMILIES, _ADDRESSES_BY, _NOTHING = 26, 8, b"\1"
_CABLE, _OWN = b"eth0", "198.18.0.1"
"""The interface's name and address; no recorded host gets the latter (`names`)."""
_REQUEST, _ACK, _EXCL, _CREATE = 1, 4, 0x200, 0x400
_LOCAL_TABLE, _BOOT, _LOCAL, _OIF = 255, 3, 2, 4
_HOST_SCOPE, _EVERYWHERE = 254, 0
_EXISTS = 17
_BACKLOG = 512
_SOCK_DIAG = 4
MOST_AT_ONCE = 200

CATCH_ALL = 1
"""The port to which connections to all ports lead: below 1024, so that nothing inside can take it, and no service's."""
_REDIRECT = f"""
table inet reenact {{
  chain out {{
    type nat hook output priority -100; policy accept;
    tcp dport 53 redirect to :53
    meta nfproto ipv4 udp dport 53 redirect to :53
    ip daddr {{ 127.0.0.0/8, {_OWN} }} return
    ip6 daddr ::1 return
    meta l4proto tcp redirect to :{CATCH_ALL}
  }}
}}
"""
"""Loopback and the machine's own address stay the session's: its servers are reached there, and nowhere else."""


def enter(network: int, user: int) -> None:
    """Goes into a network namespace; where that needs it, into the user namespace that owns it first."""
    try:
        os.setns(network, os.CLONE_NEWNET)
    except PermissionError:
        os.setns(user, os.CLONE_NEWUSER)
        os.setns(network, os.CLONE_NEWNET)


def switch_on(name: bytes) -> None:
    """Brings an interface up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh22x", name, 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh22x", name, flags | _IFF_UP))


def plug_in() -> None:
    """Adds an interface that leads nowhere, so that programs (Chromium) do not take themselves for offline.

    Where the kernel has no kind of it they do: told by nothing but what they then do otherwise.
    """
    for kind in (b"dummy", b"bridge"):
        inner = _attribute(_INFO_KIND, kind)
        body = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + _attribute(_NAME, _CABLE + b"\0")
        try:
            _ask(_RTM_NEWLINK, body + _attribute(_LINK_INFO, inner))
        except OSError:
            continue
        index = socket.if_nametoindex(_CABLE.decode())
        # With an IPv6 address of its own, which is settled a second later, Chromium would take the network for
        # another one then, and end its requests (ERR_NETWORK_CHANGED).
        six = _attribute(socket.AF_INET6, _attribute(_ADDRESSES_BY, _NOTHING))
        link = struct.pack("=BxHiII", 0, 0, index, 0, 0) + _attribute(_FAMILIES, six)
        with suppress(OSError):  # no IPv6 here
            _ask(_RTM_NEWLINK, link, make=False)
        switch_on(_CABLE)
        # Without an address on it, resolvers would ask for no IPv4 addresses (AI_ADDRCONFIG).
        place = struct.pack("=4BI", socket.AF_INET, 32, 0, 0, index)
        _ask(_RTM_NEWADDR, place + _attribute(_LOCAL_ADDRESS, socket.inet_aton(_OWN)))
        return


def make_local(family: int) -> None:
    """Adds the route `local default dev lo`: every address of this family is one of ours. Raises OSError."""
    scope = _HOST_SCOPE if family == socket.AF_INET else _EVERYWHERE
    route = struct.pack("=8BI", family, 0, 0, 0, _LOCAL_TABLE, _BOOT, scope, _LOCAL, 0)
    _ask(_RTM_NEWROUTE, route + struct.pack("=HHI", 8, _OIF, socket.if_nametoindex("lo")))


def _ask(kind: int, body: bytes, *, make: bool = True) -> None:
    """Has the kernel make something, that it is there already is as good; or change it. Raises OSError."""
    flags = _REQUEST | _ACK | (_EXCL | _CREATE if make else 0)
    head = struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
        kernel.send(head + body)
        said = kernel.recv(4096)
    answer, error = struct.unpack_from("=H", said, 4)[0], struct.unpack_from("=i", said, 16)[0]
    if answer == _NLMSG_ERROR and error not in (0, -_EXISTS):
        raise OSError(-error, os.strerror(-error))


def _attribute(kind: int, content: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(content), kind) + content + bytes(-len(content) % 4)


def redirect(nft: str) -> None:
    """Leads connections to whatever address and port to `CATCH_ALL` on loopback. Raises OSError."""
    rules, said = os.memfd_create("rules"), os.memfd_create("said")
    os.write(rules, _REDIRECT.encode())
    os.lseek(rules, 0, os.SEEK_SET)
    streams = [
        (os.POSIX_SPAWN_DUP2, rules, 0),
        (os.POSIX_SPAWN_DUP2, said, 1),
        (os.POSIX_SPAWN_DUP2, said, 2),
    ]
    # Not `subprocess`, which takes longer to load than nft to run.
    pid = os.posix_spawn(nft, [nft, "-f", "-"], os.environ, file_actions=streams)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
        raise OSError(f"nft: {os.pread(said, 500, 0).decode(errors='replace').strip()}")


def listen(address: str, port: int) -> socket.socket:
    """A TCP socket that listens; with no address on all of both families."""
    family = socket.AF_INET6 if not address or ":" in address else socket.AF_INET
    try:
        return _listening(family, address or "::", port)
    except OSError:
        if address:
            raise
        return _listening(socket.AF_INET, "0.0.0.0", port)  # no IPv6 here


def _listening(family: int, address: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def open_all(places: Iterable[tuple[str, int]], names: str | None) -> list[tuple[str, socket.socket]]:
    """("tcp", socket) per place; also ("dns", UDP socket) on port 53 of the address `names` and ("dns-tcp", listener)
    on that of all, or none of the two."""
    opened = [("tcp", listen(address, port)) for address, port in places]
    if names is not None:
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.bind((names, 53))
        opened += [("dns", bound), ("dns-tcp", listen("", 53))]
    return opened


def open_everywhere() -> list[tuple[str, socket.socket]]:
    """What `redirect` leads to, and ("diag", the kernel's list of the sockets here)."""
    opened = [("tcp", listen("127.0.0.1", CATCH_ALL))]
    try:
        opened.append(("tcp", listen("::1", CATCH_ALL)))
    except OSError:  # no IPv6 here
        pass
    return [*opened, ("diag", socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG))]


def main() -> None:
    """Reads what to open from standard input; sends kinds and sockets to the socket that is descriptor `to`."""
    asked = json.load(sys.stdin)
    with socket.socket(fileno=asked["to"]) as outside:
        try:
            enter(asked["network"], asked["user"])
            switch_on(b"lo")
            plug_in()
            make_local(socket.AF_INET)
            try:
                make_local(socket.AF_INET6)
            except OSError:  # a kernel without IPv6
                pass
            # What was redirected is answered from where it was redirected to, which an address of its own makes sure.
            names = "127.0.0.1" if asked["nft"] else "0.0.0.0"
            places = [(str(address), int(port)) for address, port in asked["places"]]
            opened = open_all(places, names if asked["names"] else None)
            if asked["nft"]:
                redirect(asked["nft"])
                opened += open_everywhere()
        except OSError as error:
            outside.sendall(json.dumps({"error": str(error)}).encode())
            return
        for at in range(0, len(opened), MOST_AT_ONCE):
            some = opened[at : at + MOST_AT_ONCE]
            said = json.dumps({"kinds": [kind for kind, _ in some], "more": at + MOST_AT_ONCE < len(opened)})
            socket.send_fds(outside, [said.encode()], [made.fileno() for _, made in some])


if __name__ == "__main__":
    main()
