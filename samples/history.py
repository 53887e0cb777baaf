"""Git repositories with a history that is the same wherever and whenever it is made."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

START = 1_700_000_000  # the first commit's time; each further one is an hour later

IDENTITY: Mapping[str, str] = {
    "GIT_AUTHOR_NAME": "Robin Expert",
    "GIT_AUTHOR_EMAIL": "robin@example.org",
    "GIT_COMMITTER_NAME": "Robin Expert",
    "GIT_COMMITTER_EMAIL": "robin@example.org",
}
# For sessions that commit: the date too, so that a commit's name is known beforehand.
FIXED: Mapping[str, str] = {
    **IDENTITY,
    "GIT_AUTHOR_DATE": "2024-05-06T07:08:09+0000",
    "GIT_COMMITTER_DATE": "2024-05-06T07:08:09+0000",
}


class History:
    """A new repository in `work`, and commits in it one hour apart."""

    def __init__(self, work: Path, branch: str = "main") -> None:
        self.work = work
        self._commits = 0
        self.git("init", "-q", "-b", branch)
        self.git("config", "user.name", "Robin Expert")
        self.git("config", "user.email", "robin@example.org")

    def git(self, *arguments: str) -> str:
        """Runs git with nothing of the machine's own settings. Returns its output; raises where it fails."""
        when = f"{START + 3600 * self._commits} +0000"
        env = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.work),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "TZ": "UTC",
            "LC_ALL": "C",
            **IDENTITY,
            "GIT_AUTHOR_DATE": when,
            "GIT_COMMITTER_DATE": when,
        }
        done = subprocess.run(
            ["git", *arguments], cwd=self.work, env=env, check=True, capture_output=True, text=True
        )
        return done.stdout

    def commit(self, message: str, files: Mapping[str, str] | None = None) -> str:
        """Writes `files`, commits everything. Returns the commit's name."""
        for name, content in (files or {}).items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        self._commits += 1
        return self.git("rev-parse", "HEAD").strip()
