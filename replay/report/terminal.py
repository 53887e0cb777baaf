"""A replay's result for people at a terminal: one line a step, and where it parted from the recording. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click
from wcwidth import wcswidth, wcwidth

from recorder.trace.printable import printable
from replay.report.result import ReplayResult, Reward, StepResult
from replay.verify.verdict import NearestMiss, Verdict

_LOOKS: dict[Verdict, tuple[str, str]] = {
    Verdict.EXACT: ("✓", "green"),
    Verdict.EQUIVALENT: ("≈", "cyan"),
    Verdict.DIVERGED: ("✗", "red"),
    Verdict.NOT_REACHED: ("–", "bright_black"),
    Verdict.UNSUPPORTED: ("?", "yellow"),
}


def wants_colour(environment: Mapping[str, str], isatty: bool) -> bool:
    """Colours only on a terminal, and never with NO_COLOR set to anything."""
    return isatty and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def render(result: ReplayResult, *, colour: bool, width: int = 100, verbose: bool = False) -> str:
    """The report, ending with a newline. With `verbose` every step has its facets, else only what differed."""
    return _Report(colour, max(40, width), verbose).whole(result)


def headline(result: ReplayResult) -> str:
    """The whole in one line, without colours."""
    return next(_Report(False, 100, False).summary(result))


def render_step(step: StepResult, *, colour: bool, width: int = 100) -> str:
    """One step's lines, for showing progress while a replay runs."""
    return "\n".join(_Report(colour, max(40, width), False).step(step)) + "\n"


class _Report:
    def __init__(self, colour: bool, width: int, verbose: bool) -> None:
        self.colour = colour
        self.width = width
        self.verbose = verbose

    def paint(self, text: str, colour: str | None = None, *, bold: bool = False) -> str:
        return click.style(text, fg=colour, bold=bold or None) if self.colour else text

    def whole(self, result: ReplayResult) -> str:
        lines = [line for step in result.steps for line in self.step(step)]
        if lines:
            lines.append("")
        lines += self.summary(result)
        return "\n".join(lines) + "\n"

    # -- steps ----------------------------------------------------------------------------------------

    def step(self, step: StepResult) -> Iterator[str]:
        sign, colour = _LOOKS[step.verdict]
        head = f"{step.n:>4} "
        how = "" if step.how == Verdict.EXACT else _how(step)
        text = _one_line(step.text)
        room = self.width - len(head) - 2
        if how:
            # The reason may take what the command leaves, and never less than half the line.
            how = "  " + clip(how, max(room - wcswidth_of(text), room // 2) - 2)
        text = clip(text, room - wcswidth_of(how))
        line = head + self.paint(sign, colour, bold=True) + " " + text
        if how:
            line += self.paint(how, colour)
        yield line
        if self.verbose:
            for facet in step.facets:
                how = f" ({', '.join(facet.causes)})" if facet.causes else ""
                yield self.indent(f"{facet.facet}: {facet.verdict}{printable(how)}", "bright_black")
        if step.verdict in (Verdict.DIVERGED, Verdict.UNSUPPORTED):
            for miss in (step.miss, *step.further):
                if miss:
                    yield from self.miss(miss)

    def indent(self, text: str, colour: str | None = None) -> str:
        return "       " + self.paint(clip(text, self.width - 7), colour)

    def miss(self, miss: NearestMiss) -> Iterator[str]:
        where = f" at {_one_line(miss.at)}" if miss.at and not miss.at.startswith(("waiting", "exit")) else ""
        yield self.indent(f"{miss.facet}{where}", None)
        if miss.excerpt:
            for line in miss.excerpt:
                shown = line[:1] + printable(line[1:], keep="\t").expandtabs(8)
                yield self.indent("  " + shown, {"-": "red", "+": "green"}.get(line[:1]))
        if not miss.excerpt or miss.facet == "wait":
            yield self.indent(f"  - {_one_line(miss.expected)}", "red")
            yield self.indent(f"  + {_one_line(miss.observed)}", "green")
        if miss.hint:
            yield self.indent(f"  {_one_line(miss.hint)}", "yellow")

    # -- the end --------------------------------------------------------------------------------------

    def summary(self, result: ReplayResult) -> Iterator[str]:
        sign, colour = _LOOKS[result.verdict]
        counted = ", ".join(f"{result.counts[str(v)]} {v}" for v in Verdict if result.counts.get(str(v)))
        steps = f"{len(result.steps)} step{'s' * (len(result.steps) != 1)}"
        took = "" if result.duration_ms is None else f" in {result.duration_ms / 1000:.1f} s"
        yield f"{self.paint(f'{sign} {result.verdict}', colour, bold=True)}  {steps}: {counted or 'none'}{took}"
        if result.reward is not None:
            yield self.reward(result.reward)
        if result.runs:
            word = "one digest" if result.steady else f"{len(set(result.runs))} different digests"
            yield self.line("runs", f"{len(result.runs)}, {word}", None if result.steady else "red")
        if result.network is not None:
            yield self.network(result.network)
        yield self.line("digest", result.digest[:16])
        yield self.line("clock", result.clock)
        yield self.line("sandbox", result.sandbox)
        good = result.integrity.ok
        integrity = (
            f"{'holds' if good else 'BROKEN'}, {result.integrity.signature}, {result.integrity.recording}"
        )
        yield self.line("trace", f"{result.trace_id}, integrity {integrity}", None if good else "red")
        for problem in result.integrity.problems:
            yield self.line("", problem, "red")
        for note in result.notes:
            yield self.line("note", note)

    def reward(self, reward: Reward) -> str:
        _, colour = _LOOKS[reward.verdict]
        got = "not earned again" if reward.replayed is None else f"replayed {reward.replayed:g}"
        recorded = "none" if reward.recorded is None else f"{reward.recorded:g}"
        return self.line("reward", f"recorded {recorded}, {got}", colour)

    def network(self, counts: Mapping[str, int]) -> str:
        unanswered = counts.get("refused", 0) + counts.get("not asked for again", 0)
        asked = sum(counts.values()) - counts.get("not asked for again", 0)
        told = ", ".join(f"{n} {name}" for name, n in counts.items() if n)
        text = f"{asked} request{'s' * (asked != 1)}" + (f": {told}" if told else "")
        return self.line("network", text, "red" if unanswered else None)

    def line(self, name: str, text: str, colour: str | None = None) -> str:
        return f"  {name:<8} " + self.paint(clip(_one_line(text), self.width - 11), colour)


def _how(step: StepResult) -> str:
    match step.verdict:
        case Verdict.NOT_REACHED:
            reason = "; ".join(step.causes)
            return f"not reached: {printable(reason)}" if reason else "not reached"
        case Verdict.UNSUPPORTED:
            return f"unsupported: {printable(step.how)}"
        case _:
            return printable(step.how)


def _one_line(text: str) -> str:
    """Text on one line: line ends as a sign, everything that a terminal would obey made visible."""
    return printable(text.replace("\r\n", "\n").replace("\n", " ⏎ ").replace("\t", " "))


def wcswidth_of(text: str) -> int:
    width = wcswidth(text)
    return width if width >= 0 else len(text)


def clip(text: str, width: int) -> str:
    """At most `width` cells of `text`, an ellipsis where something is left out."""
    if wcswidth_of(text) <= width:
        return text
    used, out = 0, []
    for char in text:
        cells = max(0, wcwidth(char))
        if used + cells > width - 1:
            break
        used += cells
        out.append(char)
    return "".join(out) + "…"


def render_many(results: Sequence[tuple[str, ReplayResult]], *, colour: bool, width: int = 100) -> str:
    """A line per trace, for replays of several; `results` are (name of the trace, its result)."""
    report = _Report(colour, max(40, width), False)
    lines = []
    for name, result in results:
        sign, shade = _LOOKS[result.verdict]
        counted = ", ".join(f"{result.counts[str(v)]} {v}" for v in Verdict if result.counts.get(str(v)))
        head = clip(_one_line(name), report.width // 2)
        lines.append(
            f"{report.paint(sign, shade, bold=True)} {head}  {report.paint(str(result.verdict), shade)} ({counted})"
        )
    return "\n".join(lines) + "\n"
