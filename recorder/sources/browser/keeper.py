"""Stands between the browser source and Playwright's driver, so that the expert's browser outlives the source.

The driver ends its browsers once nobody speaks to it any more. Started in its place as `python -IS keeper.py PID NODE
ARGUMENT...`, this passes on what both say; where the source is gone and the browser, whose process the file PID names,
is not, it keeps the driver's ear open until the browser has ended. It imports nothing of ours and little else.
"""

import os
import select
import subprocess
import sys
import threading

_PORTION = 1 << 16


def main(pid: str, command: list[str]) -> int:
    """Runs the driver; returns its exit status."""
    os.setsid()  # what is sent to all processes of the source is not for the browser's
    driver = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert driver.stdin is not None
    assert driver.stdout is not None
    up, down = driver.stdin.fileno(), driver.stdout.fileno()

    def pass_up() -> None:
        _pass(0, up)
        _outlast(pid)
        os.close(up)

    threading.Thread(target=pass_up, daemon=True).start()
    _pass(down, 1)
    return driver.wait()


def _pass(source: int, sink: int) -> None:
    """Passes on until there is no more; what nobody takes is dropped."""
    while data := os.read(source, _PORTION):
        try:
            while data:
                data = data[os.write(sink, data) :]
        except OSError:
            pass


def _outlast(pid: str) -> None:
    """Returns once the browser has ended."""
    try:
        with open(pid) as file:
            browser = os.pidfd_open(int(file.read()))
    except (OSError, ValueError):
        return  # it has ended, or its source closed it and told so by removing the file
    select.select([browser], [], [])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
