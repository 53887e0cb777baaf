"""Runs a command where there is no network: `python empty_network.py PORTS COMMAND…` prints JSON of what became of it.

The command has a network namespace of its own with nothing but loopback, on which somebody listens at PORTS (comma
between). `sent` are the bytes that the kernel counted on all its interfaces, `accepted` the connections that came.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import sys

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def leave_networks() -> None:
    """Puts this process into an empty namespace; whoever is not root needs a user namespace for that."""
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        os.unshare(os.CLONE_NEWNET)
    else:
        os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNET)
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        flags = struct.unpack("16sh", fcntl.ioctl(asking, _SIOCGIFFLAGS, struct.pack("16sh", b"lo", 0)))[1]
        fcntl.ioctl(asking, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | _IFF_UP))


def sent() -> int:
    """Bytes that went out by any interface of this namespace."""
    with open("/proc/self/net/dev") as file:
        return sum(int(line.split(":")[1].split()[8]) for line in file.readlines()[2:])


def main(ports: list[int], command: list[str]) -> None:
    leave_networks()
    listeners = [socket.create_server(("", port)) for port in ports]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    accepted = len(select.select(listeners, [], [], 0)[0])
    answer = {"exit": done.returncode, "said": done.stdout, "complained": done.stderr}
    json.dump({**answer, "sent": sent(), "accepted": accepted}, sys.stdout)


if __name__ == "__main__":
    main([int(port) for port in sys.argv[1].split(",")], sys.argv[2:])
