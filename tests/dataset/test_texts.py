"""What of a row is looked through: all of it that formats write."""

from __future__ import annotations

import made_rows

from replay.batch.leaks import leaks
from replay.dataset.row import Patch
from replay.dataset.texts import row_texts

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def test_a_secret_in_a_patch_that_no_message_tells_is_found() -> None:
    row = made_rows.row(
        patch=Patch(diff=f"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+t = '{TOKEN}'\n")
    )
    assert not any(TOKEN in message.content for message in row.messages)
    assert {leak.place for leak in leaks(row, [])} == {"patch"}
    assert ("patch", row.patch.diff) in list(row_texts(row))
