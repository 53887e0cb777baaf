"""A Chromium as a person starts it: no Playwright, a profile of its own, the extension loaded from its folder."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from channel_ends import CHROMIUM

from browser_ext import EXTENSION, grant


@contextmanager
def plain_chromium(profile: Path, *flags: str, extension: Path = EXTENSION) -> Iterator[str]:
    """Starts it; gives the address at which a test's hands reach it by the debugging protocol."""
    assert CHROMIUM is not None
    profile.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [
            CHROMIUM, "--headless=new", "--no-sandbox", "--no-first-run", f"--user-data-dir={profile}",
            f"--load-extension={extension}", "--remote-debugging-port=0", *flags, "about:blank",
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if b"DevTools listening on " in line:
                yield line.split()[-1].decode()
                break
        else:
            raise AssertionError("Chromium did not start")
    finally:
        process.terminate()
        process.communicate()


def granted(folder: Path, *origins: str, more: bool = True) -> Path:
    """The extension as it is once the expert has granted `origins` (none: all sites) and, with `more`, what else the
    popup asks for: no test can click in that window."""
    shutil.copytree(EXTENSION, folder)
    grant(folder, *(origins or ["<all_urls>"]))
    if more:
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["permissions"] += manifest.pop("optional_permissions")
        (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
