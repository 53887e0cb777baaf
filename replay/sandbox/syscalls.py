"""The system-call filter: what a payload needs for ordinary work stays, what widens the kernel's face goes.

Allowed on purpose: ptrace and process_vm_readv. Debugging sessions are replayed too, and both reach only
processes of the same PID namespace and uid, which are the payload's own.
"""

from __future__ import annotations

import errno
import functools
import os
import tempfile

from recorder.trace.errors import Unsupported

REFUSED = (  # noqa: SIM905 - a list to read
    "acct add_key bpf chroot clock_adjtime clock_settime adjtimex settimeofday delete_module fanotify_init "
    "finit_module init_module ioperm iopl kexec_file_load kexec_load keyctl lookup_dcookie mbind migrate_pages "
    "modify_ldt mount move_pages name_to_handle_at nfsservctl open_by_handle_at perf_event_open pivot_root "
    "quotactl quotactl_fd reboot request_key set_mempolicy setns sethostname setdomainname swapoff swapon syslog "
    "umount umount2 unshare uselib userfaultfd vhangup"
).split()
"""Answered with EPERM, as a kernel answers a user without privileges."""

ABSENT = (  # noqa: SIM905 - a list to read
    "clone3 fsconfig fsmount fsopen fspick io_uring_enter io_uring_register io_uring_setup "
    "mount_setattr move_mount open_tree"
).split()
"""Answered with ENOSYS: callers fall back (glibc from clone3 to clone, whose flags a filter can see)."""

NAMESPACE_FLAGS = (
    0x00020000,
    0x02000000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
    0x00000080,
)
TERMINAL_REQUESTS = (0x5412, 0x541C, 0x5423, 0x541D)
"""TIOCSTI and TIOCLINUX type into a terminal, TIOCSETD changes its driver, TIOCCONS takes the console."""

AF_NETLINK = 16
SOCKET_FAMILIES = (1, 2, 10, AF_NETLINK)
"""unix, IPv4, IPv6 and, of netlink, only routing (for `ip addr` and getifaddrs)."""
HIGHEST_FAMILY = 63
HIGHEST_NETLINK = 31
INT = 0xFFFFFFFF
"""The kernel reads these arguments as 32 bits; comparing 64 would let a set high bit slip past."""

S_IFMT, S_IFBLK, S_IFCHR = 0o170000, 0o060000, 0o020000


@functools.cache
def filter_program() -> bytes:
    """The filter as BPF for this machine. Raises Unsupported where libseccomp is missing."""
    try:
        import pyseccomp as sc
    except (ImportError, OSError, RuntimeError) as error:
        raise Unsupported(
            f"libseccomp cannot be used ({error}): install libseccomp2 and pyseccomp"
        ) from error
    program = sc.SyscallFilter(sc.ALLOW)
    refuse = sc.ERRNO(errno.EPERM)

    def rule(action: object, name: str, *conditions: object) -> None:
        try:
            number = sc.resolve_syscall(sc.Arch.NATIVE, name)
        except (ValueError, OSError):
            number = -1
        if number >= 0:  # a name that this libseccomp or machine does not know has no door to shut
            program.add_rule(action, name, *conditions)

    for name in REFUSED:
        rule(refuse, name)
    for name in ABSENT:
        rule(sc.ERRNO(errno.ENOSYS), name)
    for kind in (S_IFBLK, S_IFCHR):
        rule(refuse, "mknod", sc.Arg(1, sc.MASKED_EQ, S_IFMT, kind))
        rule(refuse, "mknodat", sc.Arg(2, sc.MASKED_EQ, S_IFMT, kind))
    for flag in NAMESPACE_FLAGS:
        rule(refuse, "clone", sc.Arg(0, sc.MASKED_EQ, flag, flag))
    for request in TERMINAL_REQUESTS:
        rule(refuse, "ioctl", sc.Arg(1, sc.MASKED_EQ, INT, request))
    no_family = sc.ERRNO(errno.EAFNOSUPPORT)
    for call in ("socket", "socketpair"):
        for family in range(HIGHEST_FAMILY + 1):
            if family not in SOCKET_FAMILIES:
                rule(no_family, call, sc.Arg(0, sc.MASKED_EQ, INT, family))
        for protocol in range(1, HIGHEST_NETLINK + 1):
            rule(
                no_family,
                call,
                sc.Arg(0, sc.MASKED_EQ, INT, AF_NETLINK),
                sc.Arg(2, sc.MASKED_EQ, INT, protocol),
            )
    with tempfile.TemporaryFile() as out:
        program.export_bpf(out)
        out.seek(0)
        return out.read()


def filter_fd() -> int:
    """A descriptor from which the boundary reads the filter; the caller closes it."""
    fd = os.memfd_create("syscalls", 0)
    os.write(fd, filter_program())
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
