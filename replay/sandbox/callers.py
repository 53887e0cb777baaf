"""Runs as a program of its own, inside the network namespace of a sandbox: connects to servers there, and hands the
connections out. Needs nothing but the standard library; started by `bridge`."""

from __future__ import annotations

import json
import os
import socket
import sys

_SECONDS = 5.0


def main() -> None:
    order = json.load(sys.stdin)
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    from listeners import enter  # type: ignore[import-not-found]  # beside this program, which runs without packages

    enter(order["network"], order["user"])
    with socket.socket(fileno=order["to"]) as to:
        while place := to.recv(512):
            host, _, port = place.decode().rpartition(":")  # IPv6 addresses without brackets
            try:
                made = socket.create_connection((host, int(port)), _SECONDS)
            except OSError as error:
                to.send(str(error.errno or 0).encode())
                continue
            with made:
                made.setblocking(True)
                socket.send_fds(to, [b"0"], [made.fileno()])


if __name__ == "__main__":
    main()
