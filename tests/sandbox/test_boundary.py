"""What is asked of bubblewrap for a spec, the files made up for it, and who the payload is. No sandbox runs here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.trace.errors import Unsupported, UsageError
from replay.sandbox import Limits, SandboxSpec, privileges
from replay.sandbox.boundary import Plan, arguments, command
from replay.sandbox.host import Entry, Host, check, made_up_files, survey
from replay.sandbox.limits import rlimit_words
from replay.sandbox.reasons import namespace_advice
from replay.sandbox.spec import Bind
from replay.sandbox.syscalls import filter_program

HOST = Host([Entry("/usr", None), Entry("/bin", "usr/bin")], [Entry("/etc/profile", None)], ["/home"])
OPTIONS = frozenset({"--disable-userns"})


def plan(spec: SandboxSpec, **changes: Any) -> Plan:
    values: dict[str, Any] = {
        "spec": spec, "host": HOST, "binds": [], "files": {"/etc/passwd": 9}, "env": spec.env, "sized": {"/tmp": 1000},
        "seccomp": 7, "status": 8,
    }  # fmt: skip
    return Plan(**(values | changes))


def pairs(args: list[str]) -> set[tuple[str, ...]]:
    return {tuple(args[i : i + n]) for i in range(len(args)) for n in (1, 2, 3)}


def test_every_door_is_asked_to_be_shut(make_spec: Callable[..., SandboxSpec]) -> None:
    asked = pairs(arguments(plan(make_spec()), OPTIONS))
    for wanted in (
        ("--unshare-all",), ("--unshare-user",), ("--disable-userns",), ("--die-with-parent",), ("--clearenv",),
        ("--cap-drop", "ALL"), ("--seccomp", "7"), ("--remount-ro", "/"), ("--remount-ro", "/dev"), ("--uid", "1000"),
        ("--ro-bind", "/usr", "/usr"), ("--symlink", "usr/bin", "/bin"), ("--hostname", "recorded"),
    ):  # fmt: skip
        assert wanted in asked
    assert not {
        a for a in asked if a[0] in ("--share-net", "--cap-add", "--dev-bind", "--bind-try", "--unsetenv")
    }


def test_old_bubblewrap_is_asked_only_what_it_knows(make_spec: Callable[..., SandboxSpec]) -> None:
    assert "--disable-userns" not in arguments(plan(make_spec()), frozenset())


def test_inner_places_come_after_outer_ones(make_spec: Callable[..., SandboxSpec], tmp_path: Path) -> None:
    binds = [Bind(tmp_path, path, True) for path in ("/home/a/b/c", "/home/a", "/x", "/home/a/b")]
    args = arguments(plan(make_spec(), binds=binds), OPTIONS)
    order = [args[i + 2] for i, word in enumerate(args) if word == "--bind"]
    assert order == ["/x", "/home/a", "/home/a/b", "/home/a/b/c"]
    assert args.index("--remount-ro") > max(i for i, word in enumerate(args) if word == "--bind")


def test_only_binds_asked_for_are_writable(make_spec: Callable[..., SandboxSpec], tmp_path: Path) -> None:
    binds = [Bind(tmp_path, "/w", True), Bind(tmp_path, "/r", False)]
    args = arguments(plan(make_spec(), binds=binds), OPTIONS)
    assert [args[i + 2] for i, word in enumerate(args) if word == "--bind"] == ["/w"]


def test_the_command_line_keeps_every_word(make_spec: Callable[..., SandboxSpec]) -> None:
    env = {"A": "x y", "-B": "$(rm)", "C": "", "BASH_FUNC_f%%": "() { :; }"}
    words = command(make_spec(argv=["-x", "--", "a b", "$HOME", ""]), env)
    assert words[:2] == ["/bin/sh", "-c"]
    assert words[3:] == [
        "sh", "A=x y", "-B=$(rm)", "C=", "BASH_FUNC_f%%=() { :; }", "setsid", "-c", "--",
        "-x", "--", "a b", "$HOME", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"argv": []}, UsageError),
        ({"argv": ["a\0b"]}, UsageError),
        ({"env": {"A=B": "x"}}, UsageError),
        ({"env": {"": "x"}}, UsageError),
        ({"env": {"A": "x\0"}}, UsageError),
        ({"hostname": ""}, UsageError),
        ({"hostname": "x" * 65}, UsageError),
        ({"uid": -1}, UsageError),
        ({"gid": 2**32 - 1}, UsageError),
        ({"home": "relative"}, UsageError),
        ({"cwd": "/a/.."}, UsageError),
        ({"session_folder": "/etc/x"}, Unsupported),
        ({"root": "/run/reenact/x"}, Unsupported),
    ],
)
def test_senseless_specs(
    make_spec: Callable[..., SandboxSpec], changes: dict[str, Any], fault: type[Exception]
) -> None:
    check(make_spec())
    with pytest.raises(fault):
        check(make_spec(**changes))


@given(
    user=st.text(max_size=20),
    home=st.text(max_size=20),
    shell=st.text(max_size=20),
    uid=st.integers(0, 2**32 - 2),
)
def test_no_name_breaks_the_made_up_files(user: str, home: str, shell: str, uid: int) -> None:
    spec = SandboxSpec(
        argv=["sh"], env={"SHELL": shell}, workspace=None, root="/w", cwd="/w", session_folder_host=Path("/s"),
        session_folder="/s", home=home, uid=uid, gid=uid, user=user, hostname="h",
    )  # fmt: skip
    files = made_up_files(spec, ["/run/reenact/clock.so"])
    for line in files["/etc/passwd"].decode("utf-8", "surrogatepass").split("\n")[:-1]:
        assert line.count(":") == 6, line
        assert line.split(":")[2].isdigit()
    for line in files["/etc/group"].decode("utf-8", "surrogatepass").split("\n")[:-1]:
        assert line.count(":") == 3
    assert files["/etc/ld.so.preload"] == b"/run/reenact/clock.so\n"


def test_what_is_shown_of_etc_holds_no_secrets(make_spec: Callable[..., SandboxSpec]) -> None:
    shown = {entry.path for entry in survey(make_spec()).etc}
    assert "/etc/alternatives" in shown or not Path("/etc/alternatives").exists()
    for secret in (
        "shadow",
        "gshadow",
        "ssh",
        "sudoers",
        "ssl",
        "ssl/private",
        "passwd",
        "machine-id",
        "krb5.keytab",
    ):
        assert f"/etc/{secret}" not in shown


def test_a_place_inside_a_program_folder_splits_it(make_spec: Callable[..., SandboxSpec]) -> None:
    host = survey(make_spec(root="/usr/src/reenact-test/deep"))
    shown = {entry.path for entry in host.system}
    assert "/usr" not in shown
    assert "/usr/bin" in shown
    assert "/usr" in host.empty


def test_limits_are_never_above_our_own() -> None:
    words = rlimit_words(Limits(processes=10, open_files=64), grouped=True)
    assert "--core=0:0" in words
    assert "--nproc=10:10" in words
    assert [w for w in words if w.startswith("--nofile=64:")]
    assert "--as=unlimited:unlimited" in words
    assert not [w for w in rlimit_words(Limits(), grouped=False) if w == "--as=unlimited:unlimited"]


def test_host_root_is_refused() -> None:
    with pytest.raises(Unsupported, match="never runs as the host's root"):
        privileges.refuse_root(0)
    claim, other = privileges.Claim(), privileges.Claim()
    try:
        assert claim.uid != 0
        if os.geteuid() == 0:
            assert claim.uid != other.uid
            assert privileges.FIRST_UID <= claim.uid <= privileges.LAST_UID
    finally:
        claim.release()
        other.release()
    assert privileges.identity_of(os.getpid()) == (os.getuid(), os.geteuid(), os.geteuid(), os.geteuid())


def test_filter_is_made_once_and_whole() -> None:
    program = filter_program()
    assert program is filter_program()
    assert len(program) % 8 == 0
    assert 50 < len(program) // 8 < 4096


def test_advice_names_a_way() -> None:
    assert "sysctl" in namespace_advice() or "container" in namespace_advice()


UNPRIVILEGED = """
import encodings.idna, os, pathlib, sys, tempfile
import msgspec
from replay.sandbox import Limits, SandboxSpec, page, start, support, syscalls
syscalls.filter_program()
page.library = lambda: None
folder = pathlib.Path(tempfile.mkdtemp(dir=sys.argv[1]))
os.chown(folder, 60500, 60500)
os.environ.update(HOME=str(folder), PATH="/usr/bin:/bin")
os.setgroups([]); os.setresgid(60500, 60500, 60500); os.setresuid(60500, 60500, 60500)
import ctypes
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # an ordinary user's process may be looked at by its user
found = support.probe()
assert found.ok and not found.quotas_in_memory, found
(folder / "session").mkdir(); (folder / "workspace").mkdir()
spec = SandboxSpec(
    argv=["sh", "-c", "id -u; tty; head -c 9000000 /dev/zero > /tmp/x; touch made; exit 9"],
    env={"PATH": "/usr/bin:/bin"}, workspace=folder / "workspace", root="/w", cwd="/w",
    session_folder_host=folder / "session", session_folder="/s", home="/root", uid=0, gid=0, user="root", hostname="h",
    limits=Limits(temporary=4 << 20),
)
with start(spec) as box:
    said = b""
    try:
        while data := os.read(box.master, 4096): said += data
    except OSError: pass
    assert box.wait(10) == 9, said
assert said.startswith(b"0\\r\\n/dev/pts/0\\r\\n") and b"No space left" in said, said
assert (folder / "workspace" / "made").exists()
"""


@pytest.mark.sandbox
def test_an_ordinary_user_can_replay(support: object) -> None:
    """The same sandbox without root: sizes are bounded by bubblewrap's mounts, the terminal is made inside too."""
    if os.geteuid() != 0:
        pytest.skip("this run is an ordinary user's anyway; only root can become another")
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))  # an ordinary user cannot reach pytest's own
    folder.chmod(0o711)
    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, str(folder)], capture_output=True, text=True, check=False, timeout=60,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr
