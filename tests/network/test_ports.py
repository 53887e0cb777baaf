"""In a real sandbox every address is answered from the tape, and nothing goes anywhere else."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import site
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from replay.sandbox.support import probe

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
NOBODY = 61234
"""A uid that owns nothing here."""
Run = Callable[..., dict[str, Any]]


def _users() -> list[str]:
    return ["root", "unprivileged"] if os.geteuid() == 0 else ["unprivileged"]


@pytest.fixture(params=_users())
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Runs a script in a sandbox that was made by root, or by an ordinary user."""
    support = probe()
    if not support.ok:
        pytest.skip("no sandbox on this machine")
    folder = Path(tempfile.mkdtemp(prefix="reenact-test-"))  # pytest's own folders are shut to others
    line = [sys.executable]
    paths = [str(ROOT), *site.getsitepackages()]
    libraries = ""
    drop = request.param == "unprivileged" and os.geteuid() == 0
    if drop:
        os.chown(folder, NOBODY, NOBODY)
        line, paths = _reachable(folder, paths)
        libraries = str(folder / "place-0/lib")

    def start(script: str, *, everywhere: bool = False) -> dict[str, Any]:
        (folder / "script.sh").write_text(script)
        if everywhere:
            (folder / "everywhere").touch()
        env = {
            "LD_LIBRARY_PATH": libraries,
            "PATH": "/usr/sbin:/usr/bin:/bin",
            "HOME": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        done = subprocess.run(
            [*line, "-W", "error", str(Path(paths[0], "tests/network/boxed.py")), str(folder)],
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
            cwd="/",
            env=env | {"PYTHONPATH": ":".join(paths)},
        )
        assert done.returncode == 0, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        assert said["faults"] == []
        assert said["uid"] == (NOBODY if drop else os.getuid())
        return said

    yield start
    shutil.rmtree(folder, ignore_errors=True)


def _reachable(folder: Path, paths: list[str]) -> tuple[list[str], list[str]]:
    """A command line that becomes an ordinary user with this very Python, and the folders it imports from, shown at
    places that such a user can reach, in a mount namespace of its own."""
    shown = [sys.base_prefix, *paths]
    places = [str(folder / f"place-{number}") for number in range(len(shown))]
    mounts = [
        f"mkdir -p {b} && mount --bind {shlex.quote(a)} {b}" for a, b in zip(shown, places, strict=True)
    ]
    become = f"exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups --inh-caps=-all"
    python = f"{places[0]}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    return ["unshare", "-m", "sh", "-c", " && ".join([*mounts, f'{become} {python} "$@"']), "sh"], places[1:]


CLIENTS = {
    "curl": "curl -sS http://example.org/curl; curl -sS https://example.org/curl",
    "wget": "wget -qO- http://example.org/wget; wget -qO- https://example.org/wget",
    "node": (
        "node -e \"(async () => { for (const s of ['http', 'https']) "
        "process.stdout.write(await (await fetch(s + '://example.org/node')).text()) })()\""
    ),
    "python": (
        "/usr/bin/python3 -c \"import urllib.request as u\nfor s in ('http', 'https'): "
        "print(u.urlopen(s + '://example.org/python').read().decode(), end='')\""
    ),
}


def test_clients_without_any_setting_meet_the_tape(run: Run) -> None:
    names = [
        name
        for name in CLIENTS
        if shutil.which("python3" if name == "python" else name, path="/usr/bin:/bin")
    ]
    lines = [CLIENTS[name] for name in names]
    if "node" in names:  # it brings its own authorities
        lines[names.index("node")] = (
            f"NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt {CLIENTS['node']}"
        )
    done = run("\n".join(lines))
    assert done["said"] == "".join(f"page for {name}\nsecure page for {name}\n" for name in names)
    assert done["refused"] == []


def test_addresses_ports_and_versions(run: Run) -> None:
    done = run(
        "curl -sS http://203.0.113.7:8080/\ncurl -sS -g 'http://[2001:db8::7]/'\n"
        "curl -sS -w '%{http_version}\\n' https://two.example/\n"
        "exec 3<>/dev/tcp/example.org/80; printf 'GET /raw HTTP/1.0\\r\\nHost: example.org\\r\\n\\r\\n' >&3; "
        "tail -n1 <&3"
    )
    assert done["said"] == "by address\nby IPv6\nby HTTP/2\n2\npage for raw\n"


def test_what_was_never_recorded_is_not_there(run: Run) -> None:
    done = run(
        "curl -sS http://never.example/; echo $?\n"
        "curl -sS -f http://203.0.113.9/; echo $?\n"
        "curl -sS http://203.0.113.9:8080/ -o /dev/null; echo $?\n"
    )
    codes = [line for line in done["said"].splitlines() if line.isdigit()]
    assert codes == ["6", "22", "7"]
    assert done["refused"] == [["name", "the name never.example"], ["host", "GET http://203.0.113.9/"]]


def test_every_port_of_every_address_but_the_sessions_own(run: Run) -> None:
    if shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin") is None:
        pytest.skip("nft is not installed")
    serve = (
        "import socket; s = socket.create_server(('', 8080)); print('up', flush=True); "
        "s.accept()[0].sendall(b'own\\n')"
    )
    done = run(
        "curl -sS http://203.0.113.7:8080/\ncurl -sS -g 'http://[2001:db8::7]/'\n"
        "curl -sS http://example.org/curl\ncurl -sS https://example.org/curl\n"
        f'exec 3< <(/usr/bin/python3 -c "{serve}"); read -r up <&3\n'
        "curl -sS http://203.0.113.7:8080/\ncat </dev/tcp/127.0.0.1/8080\n"
        "curl -sS http://203.0.113.9:7/ -o /dev/null -w '%{http_code}\\n'\n",
        everywhere=True,
    )
    page = "by address\n"
    pages = "page for curl\nsecure page for curl\n"
    assert done["said"] == f"{page}by IPv6\n{pages}{page}own\n502\n"
    assert done["refused"] == [["host", "GET http://203.0.113.9:7/"]]


def test_nothing_leaves(run: Run) -> None:
    """A listener of this machine, on each of its addresses, hears nothing; inside there is the loopback, and a cable
    that leads nowhere."""
    with (
        socket.create_server(("0.0.0.0", 0)) as listener,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound,
    ):
        port = listener.getsockname()[1]
        bound.bind(("0.0.0.0", 0))
        listener.settimeout(0)
        bound.settimeout(0)
        addresses = {"127.0.0.1", socket.gethostbyname(socket.gethostname())}
        lines = [f"curl -s -m 5 http://{address}:{port}/ -o /dev/null; echo $?" for address in addresses]
        lines += [f"echo hello >/dev/udp/{address}/{bound.getsockname()[1]}" for address in addresses]
        done = run("\n".join([*lines, "tail -n +3 /proc/net/dev | cut -d: -f1"]))
        with pytest.raises(BlockingIOError):
            listener.accept()
        with pytest.raises(BlockingIOError):
            bound.recv(100)
    said = done["said"].split()
    assert [word for word in said if word.isdigit() and len(word) < 3] == ["7"] * len(addresses)
    assert set(said[len(addresses) :]) <= {"lo", "eth0"}


def test_the_network_stays_as_it_is(run: Run) -> None:
    """An address that is settled later would be a change of network to a browser, which then ends its requests."""
    said: str = run("cat /proc/net/if_inet6")["said"]
    assert {line.split()[-1] for line in said.splitlines()} <= {"lo"}
