"""One sandbox's client reaches another's server, on chosen ports and on no other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from replay.sandbox import bridge
from replay.sandbox.bridge import Bridge

pytestmark = pytest.mark.sandbox

SERVER = "python3 -m http.server --bind 127.0.0.1 {port} --directory /home/user/project"
ASK = "python3 -c \"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{port}/{path}').read()[:40])\""


@pytest.fixture
def boxes(open_box: Callable[..., Any], folder: Path) -> tuple[Any, Any]:
    for name in ("far-workspace", "far-session"):
        (folder / name).mkdir()
    far = open_box(workspace=folder / "far-workspace", session_folder_host=folder / "far-session")
    return open_box(), far


def test_a_server_is_reached_as_it_is(boxes: tuple[Any, Any]) -> None:
    near, far = boxes
    far.terminal.run("echo from the far side > page.txt")
    with Bridge(near.sandbox.pid, far.sandbox.pid, [8000]) as carried:
        far.terminal.type(SERVER.format(port=8000) + " &\r")
        # Asked for before it listens, it may be; then it is waited for.
        assert "from the far side" in near.terminal.run(ASK.format(port=8000, path="page.txt"))
        assert "from the far side" in near.terminal.run(ASK.format(port=8000, path="page.txt"))
        assert carried.refused == []
        assert "refused" in near.terminal.run(ASK.format(port=8001, path=""))
    assert "refused" in near.terminal.run(ASK.format(port=8000, path=""))


def test_nobody_there_is_told(boxes: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "PATIENCE", 0.2)
    near, far = boxes
    with Bridge(near.sandbox.pid, far.sandbox.pid, [8000]) as carried:
        assert "Error" in near.terminal.run(ASK.format(port=8000, path=""))
        assert carried.refused == ["127.0.0.1:8000"]
    assert not [thread for thread in threading.enumerate() if thread.name == "bridge" and not thread.daemon]
