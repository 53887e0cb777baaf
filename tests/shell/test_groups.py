"""Each command runs in its own control group, where there are any; where one is missing, in none of another's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recorder.sources.proxy.hierarchy import Undividable
from recorder.sources.proxy.session_group import LINK, LOST, SessionGroup, remove

SETTINGS = {
    "bash": {".bashrc": "PS1='mine> '; set -o noclobber; shopt -s nullglob; PROMPT_COMMAND='N=1'\n"},
    "zsh": {".zshrc": "PS1='mine> '; setopt noclobber nomatch shwordsplit\n"},
    "fish": {".config/fish/config.fish": "function fish_prompt; echo 'mine> '; end\nset -g fish_greeting\n"},
}
SHOW = "tail -1 /proc/self/cgroup"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[SessionGroup]:
    folder = tmp_path / "groups"
    folder.mkdir()
    try:
        made = SessionGroup.start(folder)
    except Undividable as error:
        pytest.skip(f"no control group may be made here: {error}")
    yield made
    made.close()


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_a_command_is_in_its_group(start: Any, session: SessionGroup, name: str, tmp_path: Path) -> None:
    shell = start(name, SETTINGS[name])
    (shell.folder / LINK).symlink_to(session.path)
    shell.run("true")
    place = f"0::{str(session.path).rpartition('/')[2]}"

    def group() -> str:
        shown: str = shell.output(SHOW).strip()
        assert place.removeprefix("0::") in shown, shown
        return shown.rpartition("/")[2]

    assert group() == "2"
    # Lines that never run may be commands, too.
    if name != "fish":
        shell.prompt("\r")
        shell.run("fi")
    shell.run("# nothing")
    number = shell.progress.commands + 1
    assert group() == str(number)
    # Typed ahead of the prompt.
    shell.prompt(f"sleep 0.1\r{SHOW} > {tmp_path}/ahead\r", 2)
    assert (tmp_path / "ahead").read_text().strip().rpartition("/")[2] == str(number + 2)
    for ahead in range(number + 4, 100):
        remove(session.path, str(ahead))
    assert group() == str(number + 3)
    assert group() == LOST
    assert shell.output("true; echo fine") == "fine\n"
    for noise in (b"warning", b"not supported", b"cgroup.procs", b"cgroup.threads"):
        assert noise not in shell.shown


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_a_link_that_leads_nowhere_is_no_matter(start: Any, name: str) -> None:
    shell = start(name, SETTINGS[name])
    (shell.folder / LINK).symlink_to("/nonexistent")
    shell.run("true")
    assert shell.output("echo fine") == "fine\n"
    assert "nonexistent" not in shell.shown.decode(errors="replace")
