"""A settings file that holds a secret is not kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpus import Maker, vendor_tokens

from recorder.dotfiles import read_dotfiles


@pytest.mark.parametrize(
    "line",
    [*(f'let g:x = "{token}"' for token in vendor_tokens(Maker()).values()), "password=x1", "-----BEGIN KEY-----",
     "url = https://me:pw@example.org/", "    extraheader = Authorization: x"],
)  # fmt: skip
def test_a_file_with_a_secret_is_left_out(tmp_path: Path, line: str) -> None:
    (tmp_path / ".vimrc").write_text(f"set number\n{line}\n")
    (tmp_path / ".inputrc").write_text("set editing-mode vi\n# https://example.org/pass/token\n")
    found = read_dotfiles(tmp_path)
    assert found.left_out == [tmp_path / ".vimrc"]
    assert list(found.kept) == [tmp_path / ".inputrc"]
