"""What a proxy that dies costs, and that nothing of the session's secrets is left."""

from __future__ import annotations

import os
import resource
import select
import signal
import stat
from pathlib import Path

import pytest
from proxied_origin import Origin
from proxied_recording import PLAIN, Recording

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


def test_programs_start_before_the_proxy_does(recording: Recording, origin: Origin) -> None:
    assert recording.proxy.alive()
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
    assert [request.flow for request in requests] == list(range(1, len(requests) + 1))
    assert requests[-1].url.endswith("n=3")
    assert [connection.n for connection in recording.told(Connected)][-1] == 4
    gaps = recording.told(Gap)
    assert len(gaps) == 3
    for gap in gaps:
        assert gap.source == "proxy"
        assert "signal 9" in gap.reason
        assert gap.until > gap.t
    assert len(recording.told(NetworkStarted)) == 1


def test_a_killed_gate_is_replaced_by_the_engine(recording: Recording, origin: Origin) -> None:
    assert recording.curl(origin.url()) == b"hello"
    recording.proxy.engine()
    os.kill(recording.proxy.pid, signal.SIGKILL)
    assert recording.curl(origin.url()) == b"hello"
    assert [connection.n for connection in recording.told(Connected)] == [1, 2]
    assert recording.told(Recovered)[0].part == "proxy gate"
    assert recording.told(Connected)[1].cause.how == "unknown"


def test_where_both_are_killed_the_journal_says_so(recording: Recording, origin: Origin) -> None:
    assert recording.curl(origin.url()) == b"hello"
    engine = recording.proxy.engine()
    os.kill(recording.proxy.pid, signal.SIGKILL)
    wait_for_death(engine)
    assert not recording.proxy.finish()
    assert isinstance(recording.journal()[-1], Gap)


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
    assert max(peak, _peak(recording.proxy.engine())) < 110 << 20
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
