"""Isolated sessions whose programs know of no proxy: what they ask is recorded, and replayed with the origins gone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from proxied_origin import Origin

from recorder.sources.proxy.authority import Authority
from recorder.trace.events import Connected, FlowMessage, FlowRequested, NameAsked, NetworkStarted
from recorder.trace.reader import open_trace
from replay.sandbox.support import probe

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]

HOST, ADDRESS = "host.reenact.internal", "198.18.0.2"
REENACT = shutil.which("reenact", path=str(Path(sys.executable).parent)) or ""

WEBSOCKET = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
s.sendall(b'GET /ws HTTP/1.1\\r\\nHost: x\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n'
          b'Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\\r\\n\\r\\n')
f = s.makefile('rb')
while f.readline() != b'\\r\\n': pass
s.sendall(b'\\x81\\x85\\0\\0\\0\\0hello')
f.read(1)
print(f.read(f.read(1)[0]).decode())
s.sendall(b'\\x88\\x82\\0\\0\\0\\0\\x03\\xe8')
"""
HASHED = """
import ssl, sys, urllib.request
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(capath='/etc/ssl/certs')
print(urllib.request.urlopen(sys.argv[1], context=context).read())
"""
NODE = """
require('https').get(process.argv[2], (r) => r.on('data', (d) => console.log(String(d))))
"""
JAVA = """
public class Ask {
  public static void main(String[] words) throws Exception {
    System.out.println(new String(new java.net.URL(words[0]).openStream().readAllBytes()));
  }
}
"""
SERVE = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'from inside\\n')
    def log_message(self, *_): pass
server = http.server.HTTPServer(('0.0.0.0', int(sys.argv[1])), Handler)
server.handle_request()
server.handle_request()
"""
LOOK_UP = """
import socket, struct
query = struct.pack('!6H', 7, 256, 1, 0, 0, 0) + b'\\x04host\\x07reenact\\x08internal\\0' + struct.pack('!2H', 1, 1)
with socket.create_connection(('192.0.2.53', 53)) as stream:
    stream.sendall(struct.pack('!H', len(query)) + query)
    print(stream.recv(2 + len(query) + 16, socket.MSG_WAITALL).hex())
with socket.socket(type=socket.SOCK_DGRAM) as packets:
    packets.connect(('192.0.2.53', 53))
    packets.send(query)
    print(packets.recv(512).hex())
"""
BOTH = """
/usr/bin/python3 serve.py $1 &
until curl -s 127.0.0.1:$1; do sleep 0.1; done
curl -sS localhost:$1 $2
wait
"""


@pytest.fixture
def secure(authority: Authority, tmp_path: Path) -> Iterator[Origin]:
    made = Origin(tmp_path, authority, ("h2", "http/1.1"), (HOST,))
    yield made
    made.close()


@pytest.fixture
def record(tmp_path: Path, authority_file: Path) -> Callable[..., dict[str, Any]]:
    """Records commands in an isolated session, stops `origins`, replays; what the replay says of each command."""
    if not REENACT or not probe().ok or shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin") is None:
        pytest.skip("needs the command reenact, a sandbox and nft")

    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "samples"))
    from scenario import Session, perform, set_stage

    def run(
        commands: list[str | Callable[[], None]], files: dict[str, str | bytes], *origins: Any
    ) -> dict[str, Any]:
        def play(expert: Any) -> None:
            for command in commands:
                if isinstance(command, str):
                    expert.run(command, 30)
                else:
                    command()

        session = Session(name="isolated", summary="Asks.", play=play, files=files)
        stage = set_stage(session, tmp_path / "stage")
        env = {"REENACT_TRACES": str(tmp_path / "traces"), "SSL_CERT_FILE": str(authority_file)}
        line = [REENACT, "record", "--isolated", "--proxy", "--out", str(tmp_path / "a.reenact"), "--"]
        done = perform(session, stage, line, extra_env=env, patience=30, pace=0.001)
        assert done.exit in (0, 5), done.screen  # 5: something was lost, and is told
        for origin in origins:
            origin.close()
        said = subprocess.run(
            [REENACT, "replay", "--json", str(tmp_path / "a.reenact")],
            capture_output=True,
            env={**os.environ, **env},
            check=False,
        )
        result: dict[str, Any] = json.loads(said.stdout)
        return result

    return run


def told[E](tmp_path: Path, kind: type[E]) -> list[E]:
    with open_trace(tmp_path / "a.reenact") as trace:
        return [event for event in trace.events if isinstance(event, kind)]


def inexact(result: dict[str, Any]) -> list[str]:
    """The steps that are not exact, with all that is known of them."""
    return [json.dumps(step, indent=1) for step in result["steps"] if step["verdict"] != "exact"]


def test_programs_that_know_of_no_proxy(
    tmp_path: Path, record: Callable[..., dict[str, Any]], origin: Origin, secure: Origin
) -> None:
    plain, tls = f"http://{HOST}:{origin.port}", f"https://{HOST}:{secure.port}"
    clean = "env -i PATH=/usr/bin:/bin"
    files: dict[str, str | bytes] = {
        "ws.py": WEBSOCKET,
        "ask.js": NODE,
        "serve.py": SERVE,
        "hashed.py": HASHED,
        "both.sh": BOTH,
        "look_up.py": LOOK_UP,
    }
    commands = {
        f"{clean} curl -sS {plain}/hello": "http",
        f"{clean} curl -sS http://{ADDRESS}:{origin.port}/gzip --compressed": "http",
        f"{clean} curl -sS -d x=1 -w '%{{http_version}}\\n' {tls}/h2": "https",
        f"{clean} /usr/bin/python3 hashed.py {tls}/hashed": "https",
        f"{clean} wget -qO- {tls}/wget": "https",
        f"{clean} /usr/bin/python3 -c \"import urllib.request as u; print(u.urlopen('{tls}/py').read())\"": "https",
        f"exec 3<>/dev/tcp/{HOST}/{origin.port}; printf 'GET /raw HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3": "http",
        f"/usr/bin/python3 ws.py {HOST} {origin.port}": "http",
        f"(sleep 0.3; {clean} curl -sS {plain}/later) & wait": "http",
    }
    if shutil.which("node", path="/usr/bin:/bin"):
        commands[f"node ask.js {tls}/node"] = "https"
    if javac := shutil.which("javac"):
        (tmp_path / "Ask.java").write_text(JAVA)
        subprocess.run(
            [javac, "--release", "11", "-d", str(tmp_path), str(tmp_path / "Ask.java")], check=True
        )
        files["Ask.class"] = (tmp_path / "Ask.class").read_bytes()
        commands[f"{clean} java -cp . Ask {tls}/java"] = "https"
    others = [
        f"getent ahostsv4 {HOST} nonexistent.invalid; curl -sS http://nonexistent.invalid/",
        f"{clean} curl -sS http://{ADDRESS}:9/; {clean} curl -sS -g 'http://[2001:db8::7]:8080/'",
        # One server in the session, one outside, on the same port: each is reached as itself, in one step.
        f"sh both.sh {origin.port} {plain}/outside",
        # Whichever server of names is asked, over TCP or UDP, this one answers.
        "/usr/bin/python3 look_up.py",
        "cat /etc/resolv.conf; env | grep -ci _proxy",
    ]
    result = record([*commands, *others], files, origin, secure)

    assert inexact(result) == []
    requests = told(tmp_path, FlowRequested)
    assert {(r.cause.how, r.cause.command) for r in requests} <= {
        (how, n) for how in ("process", "cgroup") for n in range(1, 20)
    }
    steps = list(commands)
    for number, text in enumerate(steps, 1):
        mine = [r for r in requests if r.cause.command == number]
        assert [r.url.partition(":")[0] for r in mine] == [commands[text]], text
    assert len(told(tmp_path, FlowMessage)) == 2
    assert [r.url for r in requests if r.cause.command == len(steps) + 3] == [f"{plain}/outside"]
    [started] = told(tmp_path, NetworkStarted)
    assert (started.everywhere, started.address) == (True, "")
    names = {(e.name, e.type): (e.addresses, e.code) for e in told(tmp_path, NameAsked)}
    assert names[HOST, "A"] == ([ADDRESS], 0)
    assert names["nonexistent.invalid", "A"] == ([], 3)
    assert [(e.name, e.type) for e in told(tmp_path, NameAsked)][-2:] == [(HOST, "A")] * 2
    failed = [c for c in told(tmp_path, Connected) if c.handling == "failed"]
    assert [c.target for c in failed] == [f"{HOST}:9", "[2001:db8::7]:8080"]
    assert {c.cause.how for c in failed} <= {"process", "cgroup"}


class Greeter:
    """A server of no protocol that anybody knows: it speaks first, then says everything back."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection:
                    connection.sendall(b"220 who is there\n")
                    connection.sendall(b"hello " + connection.recv(100))

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def test_other_protocols_go_through_untouched_and_are_counted(
    tmp_path: Path, record: Callable[..., dict[str, Any]]
) -> None:
    greeter = Greeter()
    talk = f"exec 3<>/dev/tcp/{HOST}/{greeter.port}; head -n1 <&3; echo me >&3; cat <&3; exec 3>&-"
    # The socket to which all connections lead is nobody's server, nor a way to the host's loopback.
    gate = "exec 3<>/dev/tcp/127.0.0.1/1; cat <&3; exec 3>&-"
    result = record([talk, gate, "echo after"], {}, greeter)
    [passed, refused] = told(tmp_path, Connected)
    assert (passed.target, passed.handling) == (f"{HOST}:{greeter.port}", "passed")
    assert (passed.sent, passed.received) == (3, len("220 who is there\nhello me\n"))
    assert (refused.target, refused.handling) == ("127.0.0.1:1", "failed")
    assert "the session's own" in (refused.reason or "")
    steps = {step["text"]: step for step in result["steps"]}
    assert steps["echo after"]["verdict"] == "exact"
    assert steps[talk]["verdict"] == "diverged"
    assert "handed on unseen" in json.dumps(steps[talk])


def test_secrets_are_replaced(tmp_path: Path, record: Callable[..., dict[str, Any]], secure: Origin) -> None:
    secret = "Zq7-kT9w_pL2mXv4-nB8cRd1s"
    ask = f"env -i /usr/bin/curl -sS -o /dev/null -H 'X-Api-Key: '$(cat key) https://{HOST}:{secure.port}/with-key"
    result = record([ask], {"key": secret}, secure)
    assert inexact(result) == []
    assert [headers["x-api-key"] for _, _, headers, _ in secure.seen] == [secret]
    [request] = told(tmp_path, FlowRequested)
    assert secret not in repr(request)
    assert dict(request.headers)["x-api-key"] != secret


def test_the_network_survives_its_processes(
    tmp_path: Path, record: Callable[..., dict[str, Any]], origin: Origin
) -> None:
    """Each of them is killed in the middle; connections and names wait for the next."""
    url = f"http://{HOST}:{origin.port}/hello"
    sessions = tmp_path / "traces" / ".sessions"

    def engine() -> int:
        [session] = sessions.iterdir()
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if any(
                    os.readlink(fd) == str(session / "proxy.journal") for fd in (process / "fd").iterdir()
                ):
                    return int(process.name)
        raise AssertionError("nobody writes the journal")

    def kill_engine() -> None:
        """Once what was answered is told: a killed engine takes with it what it has not written."""
        [session] = sessions.iterdir()
        until = time.monotonic() + 20
        while b"flow.answered" not in (session / "proxy.journal").read_bytes():
            assert time.monotonic() < until
        os.kill(engine(), signal.SIGKILL)

    def kill_gate() -> None:
        os.kill(int(Path(f"/proc/{engine()}/stat").read_text().rpartition(")")[2].split()[1]), signal.SIGKILL)

    ask = f"curl -sS {url}"
    result = record([ask, kill_engine, ask, kill_gate, ask], {}, origin)
    assert inexact(result) == []
    assert [r.cause.command for r in told(tmp_path, FlowRequested)] == [1, 2, 3]
    assert len(told(tmp_path, NameAsked)) >= 3


def test_where_the_rules_cannot_be_set_nothing_runs(tmp_path: Path) -> None:
    if not REENACT or not probe().ok:
        pytest.skip("needs the command reenact, and a sandbox")
    nft = tmp_path / "bin/nft"
    nft.parent.mkdir()
    nft.write_text("#!/bin/sh\necho 'Operation not permitted' >&2\nexit 1\n")
    nft.chmod(0o755)
    env = {
        **os.environ,
        "PATH": f"{nft.parent}:{os.environ['PATH']}",
        "REENACT_TRACES": str(tmp_path / "traces"),
    }
    done = subprocess.run(
        [REENACT, "record", "--isolated", "--proxy", "--no-workspace", "--", "touch", "/tmp/ran"],
        env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 4
    assert "nft: Operation not permitted" in done.stderr
    assert list((tmp_path / "traces" / ".sessions").iterdir()) == []
