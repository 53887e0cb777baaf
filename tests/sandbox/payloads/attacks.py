"""Attacks on the machine, run as payloads. Refuses to do anything unless it sees that it is in the test's sandbox.

usage: attacks.py OUT [NAME...]    writes {name: [blocked, what happened]} as JSON
"""

# ruff: noqa: SIM115, PLW1510, PT017, BLE001

import ctypes
import errno
import json
import os
import socket
import struct
import subprocess
import sys

INHERITED = {fd for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")}
MARKER = "/attacked/this-is-the-sandbox"
if not os.path.exists(MARKER) or b"bwrap" not in open("/proc/1/cmdline", "rb").read():
    sys.exit("this is no sandbox: not one attack was run")

HOST = json.load(open("/attacked/host.json"))
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
ATTACKS = {}


def attack(function):
    ATTACKS[function.__name__] = function
    return function


def call(number, *args):
    """A raw system call; raises OSError."""
    ctypes.set_errno(0)
    done = libc.syscall(
        ctypes.c_long(number), *[a if not isinstance(a, int) else ctypes.c_ulong(a) for a in args]
    )
    if done < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return done


def refused(function, *args, allow=()):
    """What stopped the call. AssertionError where nothing did."""
    try:
        result = function(*args)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    raise AssertionError(f"{getattr(function, '__name__', function)}{args!r} went through: {result!r}")


def read(path):
    with open(path, "rb") as file:
        return file.read(100)


def write(path, data=b"x"):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        return os.write(fd, data)
    finally:
        os.close(fd)


@attack
def read_home_of_the_host():
    assert not any(os.path.exists(path) for path in HOST["secrets"]), "a secret is there"
    return "; ".join(refused(read, path) for path in HOST["secrets"])


@attack
def list_homes():
    found = os.listdir("/home") + os.listdir("/root")
    assert found in ([], ["user"]), found
    return f"seen: {found}"


@attack
def read_shadow():
    return refused(read, "/etc/shadow")


@attack
def read_secrets_of_etc():
    for name in ("ssh", "sudoers", "gshadow", "ssl/private", "npmrc", "pip.conf", "machine-id"):
        assert not os.path.exists(f"/etc/{name}"), name
    return "not there"


@attack
def write_core_pattern():
    return refused(write, "/proc/sys/kernel/core_pattern", b"|/tmp/x")


@attack
def write_kernel_settings():
    paths = (
        "/proc/sysrq-trigger",
        "/proc/sys/vm/drop_caches",
        "/proc/sys/kernel/modprobe",
        "/proc/sys/fs/file-max",
    )
    return "; ".join(refused(write, path, b"1") for path in paths)


@attack
def write_own_maps():
    return "; ".join(
        refused(write, f"/proc/self/{n}", b"0 0 1\n") for n in ("uid_map", "gid_map", "oom_score_adj")[:2]
    )


@attack
def write_outside_the_workspace():
    places = (
        "/usr/x",
        "/usr/bin/ls",
        "/etc/passwd",
        "/etc/x",
        "/x",
        "/dev/x",
        "/opt/x",
        "/lib/x",
        "/home/x",
        "/run/x",
    )
    return "; ".join(refused(write, place) for place in places)


@attack
def remount_writable():
    return refused(lambda: libc_checked("mount", None, b"/usr", None, 32 | 4096, None))


def libc_checked(name, *args):
    ctypes.set_errno(0)
    done = getattr(libc, name)(*args)
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return done


@attack
def mount_anything():
    return "; ".join(
        [
            refused(lambda: libc_checked("mount", b"x", b"/tmp", b"tmpfs", 0, None)),
            refused(lambda: libc_checked("umount2", b"/proc", 2)),
            refused(call, 430, b"tmpfs", 0),
            refused(call, 428, -100 & 0xFFFFFFFFFFFFFFFF, b"/", 1),
        ]
    )


@attack
def change_root():
    return refused(os.chroot, "/tmp") + "; " + refused(call, 155, b"/tmp", b"/tmp")


@attack
def new_user_namespace():
    flags = (0x10000000, 0x20000, 0x40000000, 0x20000000, 0x04000000, 0x08000000, 0x02000000)
    return "; ".join(refused(call, 272, flag) for flag in flags)


@attack
def clone_into_a_namespace():
    return refused(call, 56, 0x10000000 | 17, 0, 0, 0, 0)


@attack
def clone3_into_a_namespace():
    arguments = struct.pack("<11Q", 0x10000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0)
    return refused(call, 435, ctypes.c_char_p(arguments), 88)


@attack
def join_a_namespace():
    fd = os.open("/proc/1/ns/user", os.O_RDONLY)
    return refused(call, 308, fd, 0)


@attack
def nested_sandbox():
    done = subprocess.run(["bwrap", "--ro-bind", "/", "/", "true"], capture_output=True, text=True)
    assert done.returncode != 0
    return done.stderr.strip()


@attack
def connect_to_the_host_by_loopback():
    return refused(socket.create_connection, ("127.0.0.1", HOST["tcp"]), 2)


@attack
def connect_to_the_internet():
    return refused(socket.create_connection, ("1.1.1.1", 53), 2)


@attack
def resolve_a_name():
    return refused(socket.getaddrinfo, "example.com", 443)


@attack
def send_a_datagram():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return refused(sock.sendto, b"x", ("8.8.8.8", 53))


@attack
def connect_to_an_abstract_socket():
    return refused(socket.socket(socket.AF_UNIX).connect, "\0" + HOST["abstract"])


@attack
def connect_to_a_socket_file():
    return refused(socket.socket(socket.AF_UNIX).connect, HOST["socket"])


@attack
def raw_sockets():
    return "; ".join(
        [
            refused(socket.socket, socket.AF_INET, socket.SOCK_RAW, 1),
            refused(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, 0),
        ]
    )


@attack
def odd_socket_families():
    families = {
        "vsock": 40,
        "alg": 38,
        "bluetooth": 31,
        "can": 29,
        "xdp": 44,
        "tipc": 30,
        "kcm": 41,
        "smc": 43,
        "rds": 21,
    }
    for name, number in families.items():
        for kind in (1, 2, 3, 5):
            try:
                call(41, number, kind, 0)
            except OSError as error:
                assert error.errno == errno.EAFNOSUPPORT, (name, error)
            else:
                raise AssertionError(name)
    return "EAFNOSUPPORT for " + ", ".join(families)


@attack
def socket_family_with_high_bits():
    return refused(call, 41, (1 << 32) | 40, 1, 0) + "; " + refused(call, 41, 16, 3, (1 << 32) | 9)


@attack
def netlink_beyond_routing():
    return "; ".join({refused(call, 41, 16, 3, protocol) for protocol in range(1, 25)})


@attack
def io_uring():
    return refused(call, 425, 8, ctypes.create_string_buffer(120))


@attack
def keyring():
    return "; ".join(
        [
            refused(call, 250, 0, -4 & 0xFFFFFFFFFFFFFFFF, 1),
            refused(call, 248, b"user", b"n", b"v", 1, 0xFFFFFFFC),
        ]
    )


@attack
def bpf_perf_userfaultfd():
    return "; ".join(
        [
            refused(call, 321, 0, ctypes.create_string_buffer(128), 128),
            refused(call, 298, ctypes.create_string_buffer(128), 0, -1 & 0xFFFFFFFF, -1 & 0xFFFFFFFF, 0),
            refused(call, 323, 0),
        ]
    )


@attack
def kernel_modules_and_logs():
    return "; ".join(
        [
            refused(call, 313, 0, b"", 0),
            refused(call, 175, ctypes.create_string_buffer(64), 64, b""),
            refused(call, 103, 3, ctypes.create_string_buffer(64), 64),
            refused(call, 169, 0xFEE1DEAD, 672274793, 0, 0),
        ]
    )


@attack
def file_handles():
    return refused(call, 304, 3, ctypes.create_string_buffer(128), 0)


@attack
def set_the_clock():
    return (
        refused(call, 227, 0, struct.pack("<qq", 0, 0))
        + "; "
        + refused(call, 164, struct.pack("<qq", 0, 0), 0)
    )


@attack
def set_the_host_name():
    return refused(socket.sethostname, "x")


@attack
def see_or_signal_host_processes():
    pids = [int(n) for n in os.listdir("/proc") if n.isdigit()]
    assert len(pids) < 12, pids
    assert HOST["pid"] not in pids
    return f"{len(pids)} processes in sight; " + refused(os.kill, HOST["pid"], 0)


@attack
def trace_a_host_process():
    buffer = ctypes.create_string_buffer(8)
    iovec = struct.pack("<QQ", ctypes.addressof(buffer), 8)
    return (
        refused(call, 101, 16, HOST["pid"], 0, 0)
        + "; "
        + refused(call, 310, HOST["pid"], iovec, 1, iovec, 1, 0)
    )


@attack
def environment_of_the_replayer():
    seen = b""
    for pid in ("1", "2", "self"):
        try:
            seen += read_all(f"/proc/{pid}/environ")
        except OSError:
            continue
    assert HOST["canary"].encode() not in seen, seen
    assert b"CANARY" not in seen
    return "no variable of the host"


def read_all(path):
    with open(path, "rb") as file:
        return file.read()


@attack
def inherited_descriptors():
    pids = [n for n in os.listdir("/proc") if n.isdigit()]
    assert {"0", "1", "2"} == INHERITED, INHERITED
    for pid in pids:
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                target = os.readlink(f"/proc/{pid}/fd/{fd}")
                assert not target.startswith("/") or os.path.exists(target), (pid, fd, target)
        except (PermissionError, FileNotFoundError):
            continue
    return f"own: {sorted(INHERITED)}"


@attack
def root_of_process_1():
    for secret in HOST["secrets"]:
        assert not os.path.exists("/proc/1/root" + secret)
        assert not os.path.exists("/proc/1/cwd/../../../.." + secret)
    return "process 1 stands in the same root"


@attack
def device_nodes():
    return "; ".join(
        [
            refused(os.mknod, "/tmp/disk", 0o060666, os.makedev(254, 0)),
            refused(os.mknod, "/tmp/mem", 0o020666, os.makedev(1, 1)),
            refused(os.mknod, "/attacked/disk", 0o060666, os.makedev(254, 0)),
        ]
    )


@attack
def devices_of_the_host():
    names = set(os.listdir("/dev"))
    ordinary = {
        "console",
        "core",
        "fd",
        "full",
        "null",
        "ptmx",
        "pts",
        "random",
        "shm",
        "stderr",
        "stdin",
        "stdout",
    }
    assert names <= ordinary | {"tty", "urandom", "zero"}, names
    assert len(os.listdir("/dev/pts")) <= 2, os.listdir("/dev/pts")
    return "only " + " ".join(sorted(names))


@attack
def become_root():
    with open("/proc/self/status") as lines:
        state = dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)
    assert int(state["CapEff"], 16) == int(state["CapPrm"], 16) == 0, state["CapEff"]
    assert state["NoNewPrivs"] == "1"
    assert state["Seccomp"] == "2"
    said = "root without a capability" if os.getuid() == 0 else refused(os.setuid, 0)
    return said + "; " + refused(os.setgroups, [0])


@attack
def setuid_program():
    program = "/attacked/setuid"
    with open("/usr/bin/id", "rb") as source, open(program, "wb") as copy:
        copy.write(source.read())
    try:
        os.chmod(program, 0o6755)
    except OSError as error:
        return str(error)
    done = subprocess.run([program, "-u"], capture_output=True, text=True)
    assert done.stdout.strip() == str(os.getuid()), done.stdout
    return f"still uid {done.stdout.strip()}"


@attack
def su():
    if not os.path.exists("/usr/bin/su"):
        return "no su"
    done = subprocess.run(
        ["su", "-c", "id -u"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20
    )
    assert done.returncode != 0
    return done.stderr.strip()


@attack
def type_into_a_terminal():
    import fcntl

    fd = os.open("/dev/tty", os.O_RDWR)
    for request in (0x5412, 0x541C, 0x5423):
        said = refused(fcntl.ioctl, fd, request, b"x")
    return said + "; with high bits: " + refused(call, 16, fd, (1 << 32) | 0x5412, b"x")


@attack
def terminal_of_the_host():
    for name in HOST["terminals"]:
        if os.path.exists(name):
            assert os.stat(name).st_rdev == os.stat("/dev/tty").st_rdev or name == os.ttyname(0), name
    return "not there"


@attack
def raise_own_limits():
    import resource

    said = []
    for which in (resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        _, hard = resource.getrlimit(which)
        try:
            resource.setrlimit(which, (hard + 1, hard + 1))
            raise AssertionError(which)
        except ValueError as error:
            said.append(str(error))
    return "; ".join(said)


@attack
def leave_the_cgroup():
    assert not os.path.exists("/sys/fs/cgroup")
    return "no /sys"


@attack
def replace_the_clock():
    path = "/run/reenact/clock"
    if not os.path.exists(path):
        return "no page"
    return refused(write, "/run/reenact/clock.so") + "; " + refused(write, "/etc/ld.so.preload")


@attack
def plant_traps_in_the_session_folder():
    os.symlink("/etc/passwd", "/session/link")
    os.symlink(HOST["secrets"][0], "/session/secret")
    os.mkfifo("/session/fifo")
    os.mkdir("/session/folder")
    with open("/session/sparse", "wb") as file:
        file.truncate(100 << 20)
    return "planted"


def main():
    out, names = sys.argv[1], sys.argv[2:] or list(ATTACKS)
    results = {}
    for name in names:
        try:
            results[name] = [True, str(ATTACKS[name]())]
        except AssertionError as error:
            results[name] = [False, str(error)]
        except Exception as error:
            results[name] = [False, f"{type(error).__name__}: {error}"]
    beside = out + ".part"
    with open(beside, "w") as file:
        json.dump(results, file)
    os.rename(beside, out)


main()
