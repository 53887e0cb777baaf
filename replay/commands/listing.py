"""`show`, `steps` and `inspect`: what a trace holds, executing nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import click

from recorder.trace.manifest import Manifest
from recorder.trace.pages import BrowserStarted
from recorder.trace.printable import printable
from recorder.trace.steps import Step
from recorder.trace.steps import steps as derive
from replay.commands import gestures, network
from replay.commands.cataloguing import length
from replay.commands.opening import JSON, TRACE, as_json, opened

_MOST_LISTED = 20


@click.command(epilog="Example:\n\n\b\n  reenact show fix.reenact")
@TRACE
@JSON
def show(trace: Path, json_wanted: bool) -> None:
    """Summarise TRACE: task, who, where, how complete, outcome, and its steps in brief."""
    with opened(trace) as opened_trace:
        manifest = opened_trace.manifest
        found = derive(opened_trace.events)
        seen = network.captured(opened_trace.events)
        browsers = [event for event in opened_trace.events if isinstance(event, BrowserStarted)]
        apart = gestures.kept_apart(opened_trace.events)
    if json_wanted:
        as_json(
            {
                "manifest": manifest,
                "network": seen,
                "browsers": browsers,
                "steps": [_brief(step) for step in found],
            }
        )
        return
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(manifest.started_unix_ns / 1e9))
    env = manifest.environment
    shell = env.shell or "no shell"
    lines = [
        ("trace", manifest.trace_id),
        ("task", manifest.task.instruction or "(none given)"),
        (
            "recorded",
            f"{when}, {length(manifest.duration_ns / 1e9)}, by {manifest.provenance.annotator or manifest.actor.kind}",
        ),
        ("on", f"{env.os}, {shell}{', isolated' if manifest.isolated else ''}"),
        ("state", manifest.completeness.state),
        ("outcome", _outcome(manifest)),
        ("signed", "yes" if manifest.seal else "no"),
        *(("browser", _browser(browser)) for browser in browsers),
        *([("", apart)] if apart else []),
        *(seen.lines() if seen else []),
        ("secrets", f"{manifest.counts.kinds.get('secret.replaced', 0)} replaced"),
    ]
    if "import" in (settings := manifest.provenance.recorder.settings):
        source = " ".join(settings.get(name, "") for name in ("import", "file"))
        lines.insert(2, ("imported", f"{source}, made by {settings.get('made_by') or 'an unnamed tool'}"))
    for label, text in lines:
        click.echo(f"{label:9} {printable(text)}")
    for gap in manifest.completeness.gaps:
        click.echo(f"lost      {printable(gap.reason)} at {gap.t / 1e9:.1f} s")
    click.echo()
    for step in found:
        click.echo(_line(step))


@click.command(
    "steps",
    epilog="Examples:\n\n\b\n  reenact steps fix.reenact\n  reenact steps fix.reenact --json | jq '.[].text'",
)
@TRACE
@JSON
def steps_command(trace: Path, json_wanted: bool) -> None:
    """List the steps of TRACE: each action with its exit code, requests, file changes, rationale and outcome.

    Of many requests or files the first are shown; --json lists all.
    """
    with opened(trace) as opened_trace:
        found = derive(opened_trace.events)
        requests = network.requests(opened_trace.events)
        asked = network.page_requests(opened_trace.events)
    shown = {
        step.n: [requests[n] for n in step.flows]
        or [asked[step.source, n] for n in (step.gesture.requests if step.gesture else ())]
        for step in found
    }
    if json_wanted:
        as_json([_brief(step) | {"requests": shown[step.n]} for step in found])
        return
    for step in found:
        click.echo(_line(step))
        for line in (
            *(gestures.lines(step.gesture) if step.gesture else ()),
            *_some("requests", [_request(one) for one in shown[step.n]]),
            *_some("files", _files(step)),
        ):
            click.echo(f"       {printable(line)}")
        for why in step.rationale:
            click.echo(f"       why: {printable(why)}")
        for mark in step.marks:
            click.echo(f"       mark: {printable(mark)}")
        if step.check:
            click.echo(f"       outcome: exit {step.check.exit}, reward {step.check.reward:g}")


@click.command(epilog="Example:\n\n\b\n  reenact inspect stranger.reenact")
@TRACE
@JSON
@click.pass_context
def inspect(context: click.Context, trace: Path, json_wanted: bool) -> None:
    """Check the integrity of TRACE (hash chain, members, signature) and say what it holds.

    Reads everything, executes nothing, writes nothing. Exit code 3 if anything is wrong.
    """
    with opened(trace) as opened_trace:
        report = opened_trace.verify()
        manifest = opened_trace.manifest
    if json_wanted:
        as_json(
            {
                "ok": report.ok,
                "problems": [problem._asdict() for problem in report.problems],
                "signature": report.signature,
                "public_key": report.public_key,
                "events": report.events,
                "commitments": report.commitments,
                "redacted": report.redacted,
                "placeholders": manifest.counts.kinds.get("secret.replaced", 0),
                "state": manifest.completeness.state,
                "kinds": manifest.counts.kinds,
                "blobs": manifest.blobs.count,
            }
        )
    else:
        click.echo("integrity  " + ("holds" if report.ok else "BROKEN"))
        for problem in report.problems:
            click.echo(f"           {printable(problem.place)}: {printable(problem.reason)} [{problem.code}]")
        click.echo(
            f"signature  {report.signature}" + (f", key {report.public_key}" if report.public_key else "")
        )
        click.echo(f"state      {manifest.completeness.state}")
        click.echo(
            f"events     {report.events}, {report.commitments} sensitive values committed, {report.redacted} redacted"
        )
        click.echo(f"secrets    {manifest.counts.kinds.get('secret.replaced', 0)} replaced by placeholders")
        for kind, count in manifest.counts.kinds.items():
            click.echo(f"           {count:6} {printable(kind)}")
        click.echo(f"blobs      {manifest.blobs.count}, {manifest.blobs.size} bytes")
    if not report.ok:
        context.exit(3)


def _brief(step: Step) -> dict[str, object]:
    return {
        "n": step.n,
        "kind": step.kind,
        "text": step.text,
        "command": step.command,
        "t_start": step.t_start,
        "t_end": step.t_end,
        "cwd": step.cwd_before,
        "exit": step.exit,
        "output_bytes": step.output[1] - step.output[0] if step.output else None,
        "keystrokes": sum(len(given.data) for given in step.inputs),
        "changes": [change.path for change in step.changes],
        "rationale": list(step.rationale),
        "marks": list(step.marks),
        "reward": step.check.reward if step.check else None,
        "complete": step.complete,
        **({"gesture": gestures.brief(step.gesture)} if step.gesture else {}),
    }


def _request(asked: Mapping[str, object]) -> str:
    status = "no answer" if asked["status"] is None else asked["status"]
    return f"→ {asked['method']} {asked['url']}  {status}"


def _files(step: Step) -> list[str]:
    sign = {(True, False): "+", (False, True): "-"}
    return [
        f"{sign.get((change.before is None, change.after is None), '~')} {change.path}"
        for change in step.changes
    ]


def _some(what: str, lines: list[str]) -> list[str]:
    """The first of many lines, and how many more there are."""
    if len(lines) <= _MOST_LISTED:
        return lines
    return [
        *lines[: _MOST_LISTED - 1],
        f"  and {len(lines) - _MOST_LISTED + 1} more {what}; --json lists them",
    ]


def _line(step: Step) -> str:
    text = (
        printable(" ⏎ ".join(step.text.splitlines()) if step.text else "")
        or f"({len(step.changes)} files edited)"
    )
    status = "" if step.exit in (0, None) else f"  exit {step.exit}"
    if step.gesture and step.gesture.tab > 1 and not step.gesture.verb.endswith("_tab"):
        status = f"  [tab {step.gesture.tab}]"
    return f"{step.n:4}  {step.kind:8} {text}{status}"


def _browser(started: BrowserStarted) -> str:
    whose = "opened by Reenact" if started.mode == "opened" else "the expert's own"
    seed = "" if started.seed is None else f", seed {started.seed}"
    size = f"{started.width}x{started.height} at {started.scale:g}"
    return f"{started.product}, {whose}, {size}, {started.locale}, {started.timezone}{seed}"


def _outcome(manifest: Manifest) -> str:
    reward = manifest.outcome.reward
    return "no check was run" if reward is None else f"reward {reward:g}"
