"""What Reenact puts into pages: the browser extension, built from `src` by `npm run build` and committed as `built`.

The recorder loads it into the browser that it opens and names it to experts for their own; a replay loads the same one,
so that what a page showed again is told by the same code that told it first.
"""

from pathlib import Path

EXTENSION = Path(__file__).parent / "built"
"""The unpacked extension: a folder that Chromium loads."""
EXTENSION_ID = ""
"""What Chromium calls it, fixed by the key in its manifest."""
