"""Whose verdicts count: the user's own, and those of the keys that he names with `--trust`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from recorder.trace.errors import UsageError

TRUST = click.option(
    "--trust", multiple=True, metavar="KEY", help="Heed verdicts by this public key, too (repeatable)."
)


def trusted(keys: Sequence[str]) -> tuple[str, ...]:
    """The user's own public key, and `keys`. Raises UsageError for what is no key."""
    from replay import verdicts

    for key in keys:
        if len(key) != 64 or any(char not in "0123456789abcdef" for char in key):
            raise UsageError(
                f"--trust {key!r}: a public key is 64 hexadecimal digits; `reenact inspect` shows a trace's"
            )
    own = verdicts.own_public_key()
    return tuple(sorted({*keys, *([own] if own else [])}))
