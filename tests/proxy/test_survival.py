"""What a proxy that dies costs, and that nothing of the session's secrets is left."""

from __future__ import annotations

import os
import resource
import select
import signal
import stat
import subprocess
from pathlib import Path

import pytest
from proxied_origin import Origin
from proxied_recording import PLAIN, Recording
from proxied_shell import Shell

from recorder.sources.proxy import start_proxy
from recorder.trace.events import Connected, FlowAnswered, FlowRequested, Gap, NetworkStarted, Recovered

pytestmark = pytest.mark.slow


def wait_for_death(pid: int) -> None:
    fd = os.pidfd_open(pid)
    try:
        os.kill(pid, signal.SIGKILL)
        assert select.select([fd], [], [], 30)[0]
    finally:
        os.close(fd)


def follow(recording: Recording, origin: Origin) -> subprocess.Popen[bytes]:
    """A program in the middle of a long answer, which ends when the origin may go on."""
    command = ["curl", "-sS", "-N", origin.url("/sse")]
    program = subprocess.Popen(command, env=recording.inside, stdout=subprocess.PIPE, bufsize=0)
    assert program.stdout is not None
    assert program.stdout.readline() == b"data: one\n"
    return program


def test_programs_start_before_the_proxy_does(recording: Recording, origin: Origin) -> None:
    assert recording.proxy.fileno() >= 0
    assert recording.curl(origin.url()) == b"hello"
    [connection] = recording.told(Connected)
    [started] = recording.told(NetworkStarted)
    assert connection.t < started.t


def test_a_killed_engine_comes_back_on_the_same_port(recording: Recording, origin: Origin) -> None:
    for n in range(3):
        assert recording.curl(origin.url(f"/hello?n={n}")) == b"hello"
        wait_for_death(recording.proxy.engine())
    assert recording.curl(origin.url("/hello?n=3")) == b"hello"
    # What was on its way to the journal when an engine died is in the gap, as are connections that were open.
    requests = recording.told(FlowRequested)
    assert [(request.flow, request.url[-1]) for request in requests] == [
        (n + 1, str(n)) for n in range(4) if n + 1 in {request.flow for request in requests}
    ]
    assert requests[-1].flow == 4
    assert [connection.n for connection in recording.told(Connected)][-1] == 4
    gaps = recording.told(Gap)
    assert len(gaps) == 3
    for gap in gaps:
        assert gap.source == "proxy"
        assert "signal 9" in gap.reason
        assert gap.until > gap.t
    assert len(recording.told(NetworkStarted)) == 1


def test_a_killed_gate_is_replaced_and_knows_what_it_knew(recording: Recording, origin: Origin) -> None:
    shell = Shell(recording.inside, recording.proxy.notify_fd)
    shell.run(f"curl -sS '{origin.url('/hello?n=1')}'")
    engine = recording.proxy.engine()
    wait_for_death(recording.proxy.pid)
    shell.run(f"curl -sS '{origin.url('/hello?n=2')}'")
    assert recording.proxy.engine() == engine
    shell.close()
    first, second = recording.told(Connected)
    assert (first.n, second.n) == (1, 2)
    assert (first.cause.command, second.cause.command) == (1, 2)
    assert recording.told(Recovered)[0].part == "proxy gate"
    assert not recording.told(Gap)


def test_a_download_goes_on_while_the_gate_is_replaced(recording: Recording, origin: Origin) -> None:
    download = follow(recording, origin)
    wait_for_death(recording.proxy.pid)
    assert recording.curl(origin.url()) == b"hello"
    origin.go_on.set()
    assert download.communicate(timeout=30)[0] == b"\ndata: two\n\n"
    assert download.returncode == 0
    assert not any(answer.response.partial for answer in recording.told(FlowAnswered))


def test_both_killed_again_and_again_come_back(recording: Recording, origin: Origin) -> None:
    """A client that tries again gets its answer; numbers go on; what was cut and lost is told."""
    trust = (recording.folder / "proxy" / "authority.pem").read_bytes()
    for n in range(4):
        command = ["--retry", "9", "--retry-all-errors", "--retry-delay", "0"]
        assert recording.curl(*command, origin.url(f"/hello?n={n}")) == b"hello"
        engine, gate = recording.proxy.engine(), recording.proxy.pid
        for pid in (engine, gate) if n % 2 else (gate, engine):
            os.kill(pid, signal.SIGKILL)
    download = follow(recording, origin)
    wait_for_death(recording.proxy.engine())
    wait_for_death(recording.proxy.pid)
    origin.go_on.set()
    assert b"two" not in download.communicate(timeout=30)[0]
    assert recording.curl(origin.url("/hello?n=last")) == b"hello"
    assert (recording.folder / "proxy" / "authority.pem").read_bytes() == trust
    requests, gaps = recording.told(FlowRequested), recording.told(Gap)
    numbers = [request.flow for request in requests]
    assert sorted(set(numbers)) == numbers
    assert requests[-1].url.endswith("last")
    assert len(gaps) == 5
    assert "1 open connections were cut" in gaps[-1].reason
    connections = [connection.n for connection in recording.told(Connected)]
    assert sorted(set(connections)) == connections
    assert len(recording.told(NetworkStarted)) == 1


def test_a_proxy_that_cannot_live_refuses(recording: Recording, origin: Origin) -> None:
    recording.proxy.engine()
    recording.unattended()
    for _ in range(10):
        wait_for_death(recording.proxy.pid)
        recording.proxy.attend()
    assert recording.proxy.fileno() == -1
    done = recording.run("curl", "-sS", "--max-time", "20", origin.url())
    assert b"Could not connect" in done.stderr or b"Failed to connect" in done.stderr
    # The engine, which lived, kept what it saw.
    assert recording.proxy.finish()


def test_a_recorder_that_dies_takes_the_proxy_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "session"
    folder.mkdir()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        proxy = start_proxy(folder=folder, env=PLAIN)
        os.write(write, f"{proxy.engine()} {proxy.pid}".encode())
        os.kill(os.getpid(), signal.SIGKILL)
    pids = [int(word) for word in os.read(read, 100).split()]
    os.close(read)
    os.close(write)
    os.waitpid(child, 0)
    for pid in pids:
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        assert select.select([fd], [], [], 30)[0]
        os.close(fd)


def test_files_are_private_and_the_key_is_in_none(recording: Recording, secure_origin: Origin) -> None:
    recording.curl(secure_origin.url())
    for moment in ("during", "after"):
        for path in recording.folder.rglob("*"):
            if path.is_symlink():
                continue  # it leads to the session's control groups
            mode = stat.S_IMODE(path.lstat().st_mode)
            assert mode == (0o700 if path.is_dir() else 0o600), (moment, path)
            if path.is_file():
                assert b"PRIVATE KEY" not in path.read_bytes(), (moment, path)
        recording.finish()


def test_a_long_body_takes_little_memory(recording: Recording, origin: Origin, tmp_path: Path) -> None:
    size = 300_000_000
    recording.curl("-o", "/dev/null", origin.url(f"/big?n={size}"))
    peak = _peak(recording.proxy.engine())
    upload = tmp_path / "upload"
    with upload.open("wb") as file:
        file.truncate(size)
    recording.curl("-o", "/dev/null", "-T", str(upload), origin.url("/none"))
    assert max(peak, _peak(recording.proxy.engine())) < 90 << 20
    assert _peak(recording.proxy.pid) < 40 << 20
    first, second = recording.told(FlowAnswered)
    for body in (first.response, second.request):
        assert body.size == size
        assert body.blob
        assert not body.partial
    assert not list((recording.folder / "blobs").glob(".spool*"))


def _peak(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no peak")


def test_a_full_disk_is_a_gap_and_the_program_goes_on(
    tmp_path: Path, authority_file: Path, origin: Origin
) -> None:
    folder = tmp_path / "session"
    folder.mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Files may not grow past this: as on a full disk, a write fails with an error.
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        recording = Recording(folder, trusted=[authority_file], drain=0.2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    recording.curl("-o", "/dev/null", origin.url("/big?n=2000000"))
    assert recording.curl(origin.url()) == b"hello"
    long, short = recording.told(FlowAnswered)
    assert long.response.skipped
    assert long.response.size == 2_000_000
    assert recording.content(short.response) == b"hello"
