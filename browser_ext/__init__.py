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
    comes from `seed`, where there is one; with `tape` it keeps what they read of the clock. Returns the folder."""
    shutil.copytree(EXTENSION, folder)
    (folder / "session.js").write_text(
        f"globalThis.__reenactSession = {json.dumps({'seed': seed, 'tape': tape})};\n"
    )
    return folder
