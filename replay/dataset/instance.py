"""Which task of a benchmark of repositories a row is about. Pure."""

from __future__ import annotations

import re

from replay.dataset.format import Unfit
from replay.dataset.row import Row

_REPO = re.compile(
    r"(?:^|[/:@])(?P<owner>[A-Za-z0-9][\w.-]{0,99})/(?P<name>[A-Za-z0-9_.-]{1,100}?)(?:\.git)?/?\Z", re.ASCII
)
_NUMBERED = re.compile(
    r"\Ahttps?://[^/\s]+/(?P<owner>[A-Za-z0-9][\w.-]{0,99})/(?P<name>[\w.-]{1,100})/(?:-/)?"
    r"(?:issues|pull|pulls|merge_requests)/(?P<number>\d{1,10})(?:[/?#].*)?\Z",
    re.ASCII | re.DOTALL,
)


def instance_id(row: Row) -> str:
    """SWE-bench's name of the task: `owner__name-number` where the task's URL is that of an issue or a pull request;
    `owner__name-commit` (12 digits of it) where repository and commit are known. Raises Unfit where neither is."""
    given = row.provenance
    if numbered := _NUMBERED.match(given.url or ""):
        return f"{numbered['owner']}__{numbered['name']}-{numbered['number']}"
    repo = _REPO.search((given.repo or "").strip())
    if repo is None or not given.commit:
        raise Unfit(
            "it does not say which repository and commit it began from, nor the URL of an issue: nothing to call it by"
        )
    return f"{repo['owner']}__{repo['name']}-{given.commit[:12]}"


def actor(row: Row) -> str:
    """Who did it, as predictions name models."""
    return row.provenance.model or row.provenance.actor
