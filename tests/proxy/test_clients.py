"""Programs as people use them, sent through the proxy by the environment alone."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import wsproto
from proxied_origin import Origin
from proxied_recording import Recording
from wsproto.events import AcceptConnection, CloseConnection, Ping, Request, TextMessage
from wsproto.extensions import PerMessageDeflate

from recorder.sources.proxy.authority import Authority
from recorder.trace.events import (
    Connected,
    FlowAnswered,
    FlowClosed,
    FlowMessage,
    FlowRequested,
    NetworkStarted,
)

pytestmark = pytest.mark.slow
WEBSOCKET_CLIENT = str(Path(__file__).with_name("websocket_client.py"))
URLLIB = "import sys, urllib.request as u; sys.stdout.write(u.urlopen(sys.argv[1]).read().decode())"


@pytest.mark.parametrize(
    "argv",
    [
        ["curl", "-sS", "{url}"],
        ["wget", "-qO-", "{url}"],
        [sys.executable, "-c", URLLIB, "{url}"],
    ],
    ids=["curl", "wget", "urllib"],
)  # fmt: skip
def test_they_trust_the_proxy(recording: Recording, secure_origin: Origin, argv: list[str]) -> None:
    if not shutil.which(argv[0]):
        pytest.skip(f"no {argv[0]}")
    done = recording.run(*[word.replace("{url}", secure_origin.url()) for word in argv])
    assert done.stdout == b"hello", done.stderr
    [connection] = recording.told(Connected)
    assert connection.handling == "captured"
    assert connection.cause.process in (argv[0], Path(argv[0]).name, Path(os.path.realpath(argv[0])).name)


def test_wget_keeps_its_own_settings(tmp_path: Path, authority_file: Path, origin: Origin) -> None:
    own = tmp_path / "own.wgetrc"
    own.write_text("user_agent = mine")
    folder = tmp_path / "session"
    folder.mkdir()
    recording = Recording(folder, env={"WGETRC": str(own)}, drain=0.2)
    assert recording.run("wget", "-qO-", origin.url()).stdout == b"hello"
    assert ("User-Agent", "mine") in recording.told(FlowRequested)[0].headers


def test_git_clones_through_it(recording: Recording, tmp_path: Path) -> None:
    repository = tmp_path / "served" / "repository"
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q", repository], check=True)
    (repository / "file").write_text("content\n")
    subprocess.run([*git, "-C", repository, "add", "."], check=True)
    subprocess.run([*git, "-C", repository, "commit", "-qm", "one"], check=True)
    subprocess.run([*git, "-C", repository, "update-server-info"], check=True)
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "0", "-d", tmp_path / "served"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        with server.stdout:
            port = server.stdout.readline().split("port ")[1].split()[0]
        done = recording.run(
            "git", "clone", "-q", f"http://127.0.0.1:{port}/repository/.git", str(tmp_path / "c")
        )
        assert done.returncode == 0, done.stderr
    finally:
        server.kill()
        server.wait()
    assert (tmp_path / "c" / "file").read_text() == "content\n"
    assert any(request.url.endswith("/.git/HEAD") for request in recording.told(FlowRequested))
    assert {answer.status for answer in recording.told(FlowAnswered)} <= {200, 404}


def test_node_works_whether_it_knows_proxies_or_not(recording: Recording, secure_origin: Origin) -> None:
    if not shutil.which("node"):
        pytest.skip("no node")
    code = "fetch(process.argv[1]).then(r => r.text()).then(t => process.stdout.write(t))"
    # Without our authority it could not trust the test's origin, which it meets itself where it ignores proxies.
    done = recording.run("node", "-e", code, secure_origin.url())
    assert done.stdout == b"hello", done.stderr
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(version[1:].split(".")[0]) >= 24:
        assert recording.told(FlowRequested)


def test_a_program_that_pins_is_left_alone_the_second_time(
    recording: Recording, secure_origin: Origin, authority_file: Path
) -> None:
    pinned = ["curl", "-sS", "--cacert", str(authority_file), secure_origin.url()]
    first, second = recording.run(*pinned), recording.run(*pinned)
    assert first.returncode == 60
    assert second.stdout == b"hello", second.stderr
    refused, passed = recording.told(Connected)
    assert refused.handling == "failed"
    assert "refused our certificate" in (refused.reason or "")
    assert "passed through untouched" in (refused.reason or "")
    assert passed.handling == "passed"
    assert passed.sent > 100
    assert passed.received > 100
    assert not recording.told(FlowRequested)


def test_another_program_is_not_left_alone_for_that(
    recording: Recording, secure_origin: Origin, authority_file: Path
) -> None:
    assert recording.run("curl", "-sS", "--cacert", str(authority_file), secure_origin.url()).returncode == 60
    assert recording.run("wget", "-qO-", secure_origin.url()).stdout == b"hello"
    assert [connection.handling for connection in recording.told(Connected)] == ["failed", "captured"]


def test_what_does_not_verify_does_not_verify_through_us(tmp_path: Path, recording: Recording) -> None:
    stranger = Authority.create(name="nobody knows it")
    origin = Origin(tmp_path, stranger)
    refused = recording.run("curl", "-sS", origin.url())
    assert refused.returncode == 60
    assert recording.run("curl", "-skS", origin.url()).stdout == b"hello"
    assert recording.run("curl", "-sS", origin.url()).returncode == 60
    origin.close()
    first, second, third = recording.told(Connected)
    assert (first.handling, second.handling, third.handling) == ("failed", "captured", "failed")
    assert "the origin's certificate does not verify" in (first.reason or "")


def test_websocket_messages(recording: Recording, origin: Origin) -> None:
    done = recording.run(
        sys.executable,
        WEBSOCKET_CLIENT,
        str(recording.proxy.port),
        str(origin.port),
        "text:abc",
        "bytes:123",
        "close:1000",
    )
    assert done.stdout.decode().split() == ["ABC", "321", "1000"], done.stderr
    [answer] = recording.told(FlowAnswered)
    assert answer.status == 101
    assert answer.error is None
    messages = [(m.sent, m.text, recording.content(m.body)) for m in recording.told(FlowMessage)]
    assert messages == [
        (True, True, b"abc"), (False, True, b"ABC"), (True, False, b"123"), (False, False, b"321")
    ]  # fmt: skip
    [closed] = recording.told(FlowClosed)
    assert (closed.sent, closed.code) == (True, 1000)


def test_a_websocket_message_is_whole_and_unpacked(recording: Recording, origin: Origin) -> None:
    """Frames, pings and compression are how it travelled, not what it says."""
    ws = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
    with socket.create_connection(("127.0.0.1", recording.proxy.port)) as stream:
        target = origin.url("/ws?deflate=1")
        asked = Request(host=f"127.0.0.1:{origin.port}", target=target, extensions=[PerMessageDeflate()])
        stream.sendall(ws.send(asked))
        while not any(isinstance(event, AcceptConnection) for event in ws.events()):
            ws.receive_data(stream.recv(65536))
        stream.sendall(ws.send(TextMessage(data="ab" * 500, message_finished=False)))
        stream.sendall(ws.send(Ping(payload=b"there?")))
        stream.sendall(ws.send(TextMessage(data="cd")))
        stream.sendall(ws.send(CloseConnection(code=1000)))
        while stream.recv(65536):
            pass
    requested, answered = recording.told(FlowRequested)[0], recording.told(FlowAnswered)[0]
    extensions = [v for n, v in (*requested.headers, *answered.headers) if n == "Sec-WebSocket-Extensions"]
    assert len(extensions) == 2
    sent = [message for message in recording.told(FlowMessage) if message.sent]
    assert [recording.content(message.body) for message in sent] == [b"ab" * 500 + b"cd"]


def test_a_websocket_that_just_ends(recording: Recording, origin: Origin) -> None:
    recording.run(sys.executable, WEBSOCKET_CLIENT, str(recording.proxy.port), str(origin.port), "text:drop")
    [closed] = recording.told(FlowClosed)
    assert closed.code is None
    assert not closed.sent


class Upstream:
    """A proxy of the user's: it tunnels, and notes what it was asked."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            self.heads.append(head)
            method, target = head.split()[:2]
            if method == b"CONNECT":
                host, _, port = target.decode().rpartition(":")
            else:
                host, _, port = target.decode().split("/")[2].rpartition(":")
            with socket.create_connection((host, int(port))) as server:
                if method == b"CONNECT":
                    client.sendall(b"HTTP/1.1 200 Fine\r\n\r\n")
                else:
                    server.sendall(head)
                back = threading.Thread(target=_pump, args=(server, client))
                back.start()
                _pump(client, server)
                back.join()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def test_the_users_own_proxy_is_gone_through(
    tmp_path: Path, authority_file: Path, origin: Origin, secure_origin: Origin
) -> None:
    upstream = Upstream()
    folder = tmp_path / "session"
    folder.mkdir()
    address = f"http://me:s%20cret@127.0.0.1:{upstream.port}"
    recording = Recording(
        folder, trusted=[authority_file], drain=0.2, env={"http_proxy": address, "HTTPS_PROXY": address}
    )
    assert recording.curl(origin.url()) == b"hello"
    assert recording.curl(secure_origin.url()) == b"hello"
    recording.finish()
    upstream.close()
    assert [head.split()[0] for head in upstream.heads] == [b"GET", b"CONNECT"]
    # me:s cret
    assert all(b"Proxy-Authorization: Basic bWU6cyBjcmV0" in head for head in upstream.heads)
    [started] = recording.told(NetworkStarted)
    assert started.upstream == f"http=http://127.0.0.1:{upstream.port} https=http://127.0.0.1:{upstream.port}"
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"cret" not in content
            assert b"bWU6cyBjcmV0" not in content


def test_no_proxy_stays_as_the_user_has_it(tmp_path: Path, origin: Origin) -> None:
    folder = tmp_path / "session"
    folder.mkdir()
    recording = Recording(folder, drain=0.2, env={"no_proxy": "127.0.0.1"})
    assert recording.curl(origin.url()) == b"hello"
    assert not recording.told(FlowRequested)


def test_a_leaf_is_for_its_host_and_the_day(recording: Recording, secure_origin: Origin) -> None:
    trust = ssl.create_default_context(cafile=str(recording.folder / "proxy" / "trust.pem"))
    with socket.create_connection(("127.0.0.1", recording.proxy.port)) as raw:
        raw.sendall(f"CONNECT localhost:{secure_origin.port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert b" 200 " in raw.recv(1000)
        with trust.wrap_socket(raw, server_hostname="localhost") as stream:
            certificate = stream.getpeercert()
    assert certificate is not None
    assert certificate["subjectAltName"] == (("DNS", "localhost"),)
    since, until = (ssl.cert_time_to_seconds(str(certificate[name])) for name in ("notBefore", "notAfter"))
    assert until - since == 25 * 3600
