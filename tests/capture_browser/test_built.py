"""The extension that is committed: what its sources give, and whose id is the one that the recorder trusts."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from browser_ext import EXTENSION, EXTENSION_ID, unpack

SOURCES = EXTENSION.parent
npm = pytest.mark.skipif(
    not (shutil.which("npm") and (SOURCES / "node_modules" / "esbuild").is_dir()),
    reason="npm or the extension's packages are not there",
)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_id_is_that_of_the_manifests_key() -> None:
    key = base64.b64decode(json.loads((EXTENSION / "manifest.json").read_text())["key"])
    digits = hashlib.sha256(key).hexdigest()[:32]
    assert "".join(chr(ord("a") + int(digit, 16)) for digit in digits) == EXTENSION_ID


def test_a_copy_differs_in_its_session_and_in_what_it_may_see_alone(tmp_path: Path) -> None:
    copy, built = contents(unpack(tmp_path / "copy", seed=7)), contents(EXTENSION)
    assert {name for name in copy.keys() | built.keys() if copy.get(name) != built.get(name)} == {
        "manifest.json",
        "session.js",
    }
    asked, given = (json.loads(files["manifest.json"]) for files in (built, copy))
    assert "host_permissions" not in asked
    assert "content_scripts" not in asked
    assert asked.pop("optional_host_permissions") == given.pop("host_permissions") == ["<all_urls>"]
    assert {script["world"] for script in given.pop("content_scripts")} == {"MAIN", "ISOLATED"}
    assert asked == given
    assert b'{"seed": 7, "tape": true}' in copy["session.js"]


@npm
@pytest.mark.slow
def test_what_is_built_is_what_the_sources_give(tmp_path: Path) -> None:
    subprocess.run(["node", "build.mjs", str(tmp_path / "built")], cwd=SOURCES, check=True)
    assert contents(tmp_path / "built") == contents(EXTENSION), "run `npm run build` in browser_ext"


@npm
@pytest.mark.slow
def test_types_and_style_hold() -> None:
    answer = subprocess.run(
        ["npm", "run", "-s", "check"], check=False, cwd=SOURCES, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
