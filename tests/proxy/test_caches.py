"""What package managers were answered before the session is not to be had in it: a replay could not have it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from proxied_recording import Recording


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param([sys.executable, "-m", "pip", "cache", "dir"], id="pip"),
        pytest.param(["npm", "config", "get", "cache"], id="npm"),
    ],
)
def test_package_managers_have_caches_of_the_sessions_own(tmp_path: Path, argv: list[str]) -> None:
    if not shutil.which(argv[0]):
        pytest.skip(f"no {argv[0]}")
    warm = str(tmp_path / "warm")
    folder = tmp_path / "session"
    folder.mkdir()
    recording = Recording(folder, env={"PIP_CACHE_DIR": warm, "npm_config_cache": warm}, drain=0.2)
    place = Path(recording.run(*argv).stdout.decode().strip())
    recording.finish()
    assert place.is_relative_to(folder)
