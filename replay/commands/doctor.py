"""`doctor`: what this machine can do, and the command that mends what it can't."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec

import click

from replay.commands.opening import JSON, as_json

_SHELLS = ("bash", "zsh", "fish")


@click.command(epilog="Example:\n\n\b\n  reenact doctor")
@JSON
@click.pass_context
def doctor(context: click.Context, json_wanted: bool) -> None:
    """Say what this machine can record and replay, and what to install.

    Tries for real: starts /bin/true in a sandbox. Exit code 4 if this machine can't replay.
    """
    shells = {name: shutil.which(name) for name in _SHELLS}
    records = sys.platform in ("linux", "darwin")
    if sys.platform == "linux":
        from replay.sandbox.support import probe

        support = probe()
        replays = support.ok
    else:
        support, replays = None, False
    browser, why_not = _browser()
    # Tried for real, too, by the recorder: where commands get control groups, or why not and what mends it.
    home, why, mend = context.obj["groups"]() if context.obj and records else (None, "", "")
    if json_wanted:
        answer = {"records": records, "replays": replays, "shells": shells, "sandbox": support}
        as_json({**answer, "control_groups": home, "browser": browser})
    else:
        _line(records, "recording", "" if records else "needs Linux (macOS with limits)")
        found = [name for name, path in shells.items() if path]
        _line(bool(found), "shells with integration", ", ".join(found) or "none of bash, zsh, fish")
        _line(
            home is not None,
            "a control group for each recorded command",
            f"in {home}" if home else "the process tree tells which command caused a connection",
        )
        if why:
            click.echo(f"  - {why}\n    {mend}")
        if support is None:
            _line(False, "replay", "needs Linux: namespaces, bubblewrap and /proc")
        else:
            _line(replays, "replay", f"bubblewrap {support.bubblewrap}" if support.bubblewrap else "")
            _line(support.seccomp, "system-call filter", "")
            _line(bool(support.cgroups), "limits on all processes together", ", ".join(support.cgroups))
            _line(
                support.clock == "page",
                "clock and randomness",
                f"tier {support.clock}; {support.clock_cannot_reach}",
            )
            for what, mend in support.reasons:
                click.echo(f"  - {what}\n    {mend}")
        _line(browser is not None, "browsers, recorded and replayed", browser or why_not)
    context.exit(0 if replays else 4)


def _browser() -> tuple[str | None, str]:
    """Which Chromium serves, or why browsers can be neither recorded nor replayed."""
    from browser_ext import EXTENSION
    from recorder.trace.errors import Unsupported
    from replay.players.browser.chromium import find_chromium

    try:
        program = find_chromium()
    except Unsupported as error:
        return None, str(error)
    if not (EXTENSION / "manifest.json").is_file():
        return None, f"the extension is not built: npm ci && npm run build in {EXTENSION.parent}"
    if find_spec("playwright") is None:
        return None, "recording needs Playwright: pip install 'reenact[browser]'"
    return program, ""


def _line(good: bool, what: str, detail: str) -> None:
    click.echo(f"{'ok ' if good else 'no '} {what}{': ' + detail if detail else ''}")
