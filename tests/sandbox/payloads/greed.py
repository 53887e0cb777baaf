"""Payloads that want more than their share. Refuse to run unless they see that they are in the test's sandbox.

usage: greed.py KIND    prints what it got as JSON
"""

# ruff: noqa: SIM115

import errno
import json
import os
import signal
import sys
import time

if not os.path.exists("/greedy/this-is-the-sandbox") or b"bwrap" not in open("/proc/1/cmdline", "rb").read():
    sys.exit("this is no sandbox: nothing was taken")


def fork_bomb():
    count = 0
    for _ in range(5000):
        try:
            pid = os.fork()
        except OSError as error:
            return {"processes": count, "stopped": errno.errorcode[error.errno]}
        if pid == 0:
            signal.pause()
        count += 1
    return {"processes": count, "stopped": None}


def memory():
    """Many processes that each take a modest part, so that no limit per process stops them."""
    os.sched_setaffinity(0, os.sched_getaffinity(0))
    for _ in range(20):
        if os.fork() == 0:
            block = bytearray(24 << 20)
            for at in range(0, len(block), 4096):
                block[at] = 1
            print("block", flush=True)
            signal.pause()
    time.sleep(0.1)
    while True:
        os.wait()


def fill(path, most):
    taken = 0
    try:
        with open(path, "wb", buffering=0) as file:
            while taken < most:
                taken += file.write(b"x" * (1 << 20))
    except OSError as error:
        return {"bytes": taken, "stopped": errno.errorcode[error.errno]}
    return {"bytes": taken, "stopped": None}


def tmp():
    return fill("/tmp/x", 2 << 30)


def shm():
    return fill("/dev/shm/x", 2 << 30)


def disk():
    number = 0
    while True:
        fill(f"/greedy/x{number}", 32 << 20)
        number += 1


def one_file():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    return fill("/greedy/x", 4 << 30)


def files(folder, most):
    made = 0
    try:
        for made in range(most):
            os.close(os.open(f"{folder}/{made}", os.O_CREAT | os.O_WRONLY))
    except OSError as error:
        return {"files": made, "stopped": errno.errorcode[error.errno]}
    return {"files": made, "stopped": None}


def tmp_files():
    return files("/tmp", 300_000)


def many_files():
    return files("/greedy", 10_000_000)


def deep():
    """Folders deeper than anybody counts, with a big file at the bottom."""
    for _ in range(400):
        os.mkdir("d")
        os.chdir("d")
    number = 0
    while True:
        fill(f"x{number}", 16 << 20)
        number += 1


def output():
    block = b"y" * 65536
    while True:
        os.write(1, block)


def daemon():
    """A daemon as it is made: away from session, terminal and parent, deaf to polite signals."""
    if os.fork() == 0:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if os.fork() == 0:
            with open("/session/daemon", "w") as file:
                file.write("up")
            while True:
                signal.pause()
        os._exit(0)
    os.wait()
    while not os.path.exists("/session/daemon"):
        time.sleep(0.01)
    print("it is up", flush=True)
    sys.stdin.readline()  # until it was looked at
    return {"daemon": True}


def deaf():
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_IGN)
    for _ in range(3):
        if os.fork() == 0:
            break
    print("deaf", flush=True)
    while True:
        time.sleep(100)


KINDS = {
    f.__name__: f
    for f in (fork_bomb, memory, tmp, shm, disk, one_file, tmp_files, many_files, deep, output, daemon, deaf)
}
print("result", json.dumps(KINDS[sys.argv[1]]()), flush=True)
