"""Starting a program on a terminal, with the signals and descriptors that it would have without a recorder."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import sys
import termios
from collections.abc import Mapping, Sequence

from recorder.trace.errors import RecordingFailed


def start_program(argv: Sequence[str], env: Mapping[str, str], cwd: str, slave: int) -> int:
    """Fork and execute `argv` as the leader of a new session whose controlling terminal is `slave`.

    Returns the pid; the caller closes `slave`. Raises RecordingFailed where the program cannot be executed.
    """
    read, write = os.pipe2(os.O_CLOEXEC)
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            _become(argv, env, cwd, slave)
        except OSError as error:
            os.write(write, struct.pack("i", error.errno or 0))
        finally:
            os._exit(127)
    os.close(write)
    report = os.read(read, 4)
    os.close(read)
    if report:
        os.waitpid(pid, 0)
        why = os.strerror(struct.unpack("i", report)[0])
        raise RecordingFailed(f"{argv[0]}: cannot be started in {cwd}: {why}; nothing was recorded.")
    return pid


def _become(argv: Sequence[str], env: Mapping[str, str], cwd: str, slave: int) -> None:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    if slave > 2:
        os.close(slave)
    os.chdir(cwd)
    default_signals()
    os.execvpe(argv[0], list(argv), dict(env))


def default_signals() -> None:
    """Undo what the interpreter and the recorder ignore: a child inherits ignored signals (SIGPIPE!)."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP) and number < 32:
            try:
                signal.signal(number, signal.SIG_DFL)
            except (OSError, ValueError):
                pass
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
