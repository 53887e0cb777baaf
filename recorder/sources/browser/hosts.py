"""Native-messaging hosts: how Chromium is told which program speaks for the recorder, and to which extension."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

from browser_ext import NATIVE_HOST
from recorder.sources.browser import native_host

MANIFEST = f"{NATIVE_HOST}.json"


def place(manifests: Path, program: Path, socket: Path, extension_id: str) -> None:
    """Writes the program at `program` and its manifest into the folder `manifests`, made if missing: the extension's
    messages then go to `socket`. Raises OSError."""
    command = shlex.join([sys.executable, "-IS", str(Path(native_host.__file__).resolve()), str(socket)])
    program.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\nexec {command}\n")
    program.chmod(0o700)
    manifests.mkdir(mode=0o700, parents=True, exist_ok=True)
    (manifests / MANIFEST).write_text(manifest(program, extension_id))
    (manifests / MANIFEST).chmod(0o600)


def manifest(program: Path, extension_id: str) -> str:
    """The manifest of a host: `program` is started for this extension alone."""
    content = {
        "name": NATIVE_HOST,
        "description": "Reenact's recorder",
        "path": str(program),
        "type": "stdio",
        "allowed_origins": [f"chrome-extension://{extension_id}/"],
    }
    return json.dumps(content, indent=2) + "\n"
