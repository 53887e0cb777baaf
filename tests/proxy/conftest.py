"""A running proxy and servers to ask through it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if importlib.util.find_spec("mitmproxy") is None:
    pytest.skip("mitmproxy is not installed (extra `proxy`)", allow_module_level=True)

sys.path.insert(0, str(Path(__file__).parent))

from proxied_origin import Origin
from proxied_recording import Recording

from recorder.sources.proxy.authority import Authority


@pytest.fixture
def origin() -> Iterator[Origin]:
    made = Origin()
    yield made
    made.close()


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Signs the test servers' certificates."""
    return Authority.create(name="Test origins")


@pytest.fixture
def authority_file(authority: Authority, tmp_path: Path) -> Path:
    path = tmp_path / "origins.pem"
    path.write_bytes(authority.pem())
    return path


@pytest.fixture
def secure_origin(authority: Authority, tmp_path: Path) -> Iterator[Origin]:
    made = Origin(tmp_path, authority, ("h2", "http/1.1"))
    yield made
    made.close()


@pytest.fixture
def recording(tmp_path: Path, authority_file: Path) -> Iterator[Recording]:
    folder = tmp_path / "session"
    folder.mkdir(mode=0o700)
    made = Recording(folder, trusted=[authority_file], drain=0.2)
    yield made
    made.unattended()
    made.proxy.finish()
