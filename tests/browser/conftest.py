"""What the browser's tests share: real sites on loopback, and where Chromium is."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "stateful")]

from online import PATH  # noqa: E402
from pages_server import FONTS, TODOS, Site, Sites  # noqa: E402

from recorder.sources.proxy.authority import Authority  # noqa: E402


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[Sites]:
    authority = Authority.create(name="Test origins")
    trust = tmp_path / "origins.pem"
    trust.write_bytes(authority.pem())
    folders = {
        "fonts": FONTS,
        "todo/examples/todomvc": TODOS / "examples/todomvc",
        "todo": TODOS,
    }
    made = Sites(
        Site(tmp_path, None, folders), Site(tmp_path, authority, folders), {"SSL_CERT_FILE": str(trust)}
    )
    yield made
    made.close()


@pytest.fixture(scope="session")
def chromium() -> str:
    """How an expert calls it here: root must do without its own sandbox."""
    found = next((n for n in ("chromium", "google-chrome") if shutil.which(n, path=PATH)), None)
    if found is None:
        pytest.skip("no Chromium here")
    return f"{found} --no-sandbox" if os.getuid() == 0 else found
