"""What pairing leaves on a machine: a manifest for each of the browsers of a user, and the program that it names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from browser_ext import EXTENSION_ID
from recorder.sources.browser import hosts
from recorder.trace import folders
from recorder.trace.errors import RecordingFailed

_BROWSERS = {
    "Chromium": "chromium",
    "Chrome": "google-chrome",
    "Chrome for Testing": "google-chrome-for-testing",
    "Chrome beta": "google-chrome-beta",
    "Chrome dev": "google-chrome-unstable",
    "Brave": "BraveSoftware/Brave-Browser",
    "Edge": "microsoft-edge",
    "Vivaldi": "vivaldi",
}
"""Where browsers keep their settings, below the user's folder for such."""
_ALWAYS = ("Chromium", "Chrome")
_MANIFESTS = "NativeMessagingHosts"


def pairing_folder() -> Path:
    """Where the paired session's socket is, and the program that leads to it."""
    return folders.trace_folder() / ".pairing"


def socket_path() -> Path:
    """Where a paired browser's extension finds the recorder; nobody listens there but during a paired session."""
    return pairing_folder() / "channel.sock"


def set_up(env: Mapping[str, str], profiles: Iterable[Path]) -> list[Path]:
    """Tells this user's browsers, and those that keep their data in `profiles`, of the recorder. Returns the manifests.

    Does nothing that was done before. Raises RecordingFailed.
    """
    program = pairing_folder() / "host"
    places = [*_config_folders(env), *profiles]
    try:
        for place in places:
            hosts.place(place / _MANIFESTS, program, socket_path(), EXTENSION_ID)
    except OSError as error:
        raise RecordingFailed(
            f"{error.filename}: {error.strerror}; the browser cannot be told of the recorder"
        ) from error
    return [place / _MANIFESTS / hosts.MANIFEST for place in places]


def remove(env: Mapping[str, str], profiles: Iterable[Path]) -> list[Path]:
    """Undoes `set_up`: returns the manifests that were removed. Raises RecordingFailed."""
    removed = []
    try:
        for place in [*_config_folders(env, every=True), *profiles]:
            manifest = place / _MANIFESTS / hosts.MANIFEST
            if manifest.exists():
                manifest.unlink()
                removed.append(manifest)
            with suppress(OSError):
                manifest.parent.rmdir()  # where it held nothing else
        (pairing_folder() / "host").unlink(missing_ok=True)
        with suppress(OSError):
            pairing_folder().rmdir()
    except OSError as error:
        raise RecordingFailed(f"{error.filename}: {error.strerror}; remove it by hand") from error
    return removed


def _config_folders(env: Mapping[str, str], *, every: bool = False) -> list[Path]:
    home = env.get("XDG_CONFIG_HOME") or os.path.join(env.get("HOME") or os.path.expanduser("~"), ".config")
    found = {name: Path(home, place) for name, place in _BROWSERS.items()}
    return [path for name, path in found.items() if every or name in _ALWAYS or path.is_dir()]
