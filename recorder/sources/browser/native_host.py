"""Chromium's end of the channel: a program that it starts for the extension and that passes bytes on, both ways.

Started as `python -IS native_host.py SOCKET chrome-extension://ID/`, so it imports nothing of ours and little else.
It ends when either side does. Chromium starts it for the extensions that its manifest names, for no page.
"""

import os
import select
import socket
import sys

_PORTION = 1 << 16
NO_RECORDER = 3
"""Exit status: nobody listens at the socket."""


def main(path: str) -> int:
    """Relays between standard input and output and the socket at `path`; returns the exit status."""
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # By its folder's descriptor: the address of a socket has room for 107 bytes only.
        folder = os.open(os.path.dirname(path) or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        channel.connect(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
    except OSError:
        return NO_RECORDER
    fd = channel.fileno()
    routes = {0: fd, fd: 1}
    while True:
        for source in select.select(list(routes), [], [])[0]:
            try:
                data = os.read(source, _PORTION)
                if not data:
                    return 0
                while data:
                    data = data[os.write(routes[source], data) :]
            except OSError:
                return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
