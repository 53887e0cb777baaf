"""What a hostile payload tries, and that it fails: the table of the threat model, run for real."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from replay.sandbox import SandboxSpec, start
from replay.sandbox.support import Support

pytestmark = pytest.mark.sandbox

PAYLOAD = Path(__file__).parent / "payloads" / "attacks.py"
NAMES = re.findall(r"^@attack\ndef (\w+)", PAYLOAD.read_text(), re.MULTILINE)
PYTHON = "/usr/bin/python3"


@pytest.fixture(scope="module", params=[1000, 0], ids=["as-user", "as-root"])
def results(
    support: Support, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[dict[str, tuple[bool, str]]]:
    """All attacks once, in one sandbox, with baits on the host; as an ordinary user inside, and as root inside."""
    if not os.access(PYTHON, os.X_OK):
        pytest.skip(f"the payloads need {PYTHON}")
    folder = tmp_path_factory.mktemp("attacks")
    workspace, session = folder / "workspace", folder / "session"
    workspace.mkdir()
    session.mkdir(mode=0o700)
    bait = Path.home() / f".reenact-test-{secrets.token_hex(4)}"
    secret = folder / "secret"
    tcp, abstract, file = socket.socket(), socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    named = tempfile.mktemp(prefix="reenact-test-")
    try:
        for path in (bait, secret):
            path.write_text("secret")
        tcp.bind(("127.0.0.1", 0))
        abstract_name = f"reenact-test-{secrets.token_hex(4)}"
        abstract.bind("\0" + abstract_name)
        file.bind(named)
        for listener in (tcp, abstract, file):
            listener.listen()
        shutil.copy(PAYLOAD, workspace / "attacks.py")
        (workspace / "this-is-the-sandbox").touch()
        canary = secrets.token_hex(8)
        os.environ["CANARY"] = canary
        host = {
            "secrets": [str(bait), str(secret)],
            "tcp": tcp.getsockname()[1],
            "abstract": abstract_name,
            "socket": named,
            "pid": os.getpid(),
            "canary": canary,
            "terminals": [f"/dev/pts/{n}" for n in range(1, 9)] + ["/dev/tty1", "/dev/ttyS0"],
        }
        (workspace / "host.json").write_text(json.dumps(host))
        spec = SandboxSpec(
            argv=[PYTHON, "/attacked/attacks.py", "/session/results.json"],
            env={"PATH": "/usr/bin:/bin", "HOME": "/home/user"},
            workspace=workspace, root="/attacked", cwd="/attacked", session_folder_host=session,
            session_folder="/session", home="/home/user",
            uid=request.param, gid=request.param, user="user", hostname="recorded",
        )  # fmt: skip
        with start(spec) as sandbox:
            status = sandbox.wait(60.0)
            os.set_blocking(sandbox.master, False)
            assert status == 0, os.read(sandbox.master, 65536)
            read = {
                name: sandbox.read_file(name, 1 << 16)
                for name in ("link", "secret", "fifo", "folder", "none")
            }
            read["sparse"] = sandbox.read_file("sparse", 1 << 16)
            sandbox.set_clock(1717243200 * 10**9)
            text = sandbox.read_file("results.json", 1 << 20)
            os.close(sandbox.master)
        found = {name: (blocked, what) for name, (blocked, what) in json.loads(text).items()}
        empty = all(content == b"" for name, content in read.items() if name != "sparse")
        found["plant_traps_in_the_session_folder"] = (
            empty and len(read["sparse"]) == 1 << 16,
            repr(read)[:200],
        )
        yield found
    finally:
        os.environ.pop("CANARY", None)
        for path in (bait, secret, Path(named)):
            path.unlink(missing_ok=True)
        for listener in (tcp, abstract, file):
            listener.close()


@pytest.mark.parametrize("name", NAMES)
def test_attack_fails(name: str, results: dict[str, tuple[bool, str]]) -> None:
    blocked, what = results[name]
    assert blocked, what


def test_payload_refuses_outside_a_sandbox() -> None:
    import subprocess

    done = subprocess.run([PYTHON, str(PAYLOAD), "/dev/null"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "no sandbox" in done.stderr
