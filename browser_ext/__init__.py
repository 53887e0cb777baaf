"""What Reenact puts into pages: the browser extension, built from `src` by `npm run build` and committed as `built`.

The recorder loads it into the browser that it opens and names it to experts for their own; a replay loads the same one,
so that what a page showed again is told by the same code that told it first.
"""

import json
import shutil
from pathlib import Path

EXTENSION = Path(__file__).parent / "built"
"""The unpacked extension: a folder that Chromium loads."""
EXTENSION_ID = "docfhlflkjpdpgkmngokpineikbiionc"
"""What Chromium calls it, fixed by the key in its manifest."""
NATIVE_HOST = "reenact.recorder"
"""The name of the native-messaging host that it speaks to."""
CLOCK = EXTENSION / "clock.js"
"""The clock that a replay gives to pages; no part of what Chromium loads with the extension."""


def unpack(folder: Path, *, seed: int | None = None, tape: bool = True) -> Path:
    """A copy of the extension in `folder` (which must not be there) for one session's browser: its pages' randomness
    comes from `seed`, where there is one; with `tape` it keeps what they read of the clock. It may see every site at
    once: the profile is a new one, or the recorder's own. Returns the folder."""
    shutil.copytree(EXTENSION, folder)
    grant(folder, "<all_urls>")
    (folder / "session.js").write_text(
        f"globalThis.__reenactSession = {json.dumps({'seed': seed, 'tape': tape})};\n"
    )
    return folder


def grant(folder: Path, *origins: str) -> None:
    """Has the extension in `folder` see `origins` (match patterns) from the start, where an expert grants them in its
    popup. Its scripts are then the manifest's, so that no page comes before them. Once for each folder."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["optional_host_permissions"]
    manifest["host_permissions"] = list(origins)
    manifest["content_scripts"] = [
        {
            "matches": list(origins), "js": script["js"], "world": script["world"], "run_at": "document_start",
            "all_frames": True, "match_about_blank": True, "match_origin_as_fallback": True,
        }
        for script in json.loads((folder / "scripts.json").read_text())
    ]  # fmt: skip
    path.write_text(json.dumps(manifest, indent=2) + "\n")
