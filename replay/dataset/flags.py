"""What a policy may object to in a trace: one flag for each kind, counted, never quoting what it is about. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from recorder.trace.event import Event
from recorder.trace.events import Connected, FlowAnswered, Input, SecretReplaced, Unknown
from recorder.trace.manifest import Manifest
from recorder.trace.pages import PageTarget
from replay.dataset.row import Flag, Row, Verification

FLAGS = {
    "incomplete": "something that was shown is missing from the recording",
    "recovered": "a part of the recorder died; nothing that was shown is missing",
    "secrets-redacted": "placeholders stand for secrets",
    "redacted-after-sealing": "values were taken out of the sealed trace",
    "hidden-input": "something was typed that is not in the trace: passwords, masked fields",
    "network-gaps": "requests or answers that the trace does not hold",
    "personal-data-suspected": "text that looks like somebody's address, telephone number, account or card",
    "licence-unknown": "nobody said under what licence the sources stand",
    "consent-missing": "nobody said what the expert consented to",
    "no-instruction": "nobody said what the task was",
    "no-outcome": "no outcome was checked",
    "unsigned": "the trace bears no signature",
    "imported": "made of another tool's file, not recorded",
    "model-acted": "a model did some or all of it",
    "assistant-helped": "a model helped the expert",
    "unverified": "it was not replayed, or not by somebody trusted",
    "diverged": "a replay did not come to what was recorded",
    "shortened": "long texts have lost their middle",
    "unknown-events": "events of kinds that this version does not know",
}
"""Every flag, and what it says."""

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?P<domain>[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,24})(?![\w@])")
_RESERVED = re.compile(
    r"(?i)(?:^|\.)(?:example(?:\.(?:com|net|org))?|test|invalid|localhost|local|internal)\Z"
)
_TELEPHONE = re.compile(r"(?<![\w+.-])\+[1-9]\d{0,2}[ ()./-]{0,2}\d(?:[ ()./-]{0,2}\d){6,12}(?![\w.-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_SHAPE = bytes.maketrans(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"0000000000AAAAAAAAAAAAAAAAAAAAAAAAAA")
"""Digits and letters alike: what has not even the shape is told a hundred times as fast as by the expressions."""
_CARD_SHAPES = (b"0" * 16, b"0000 0000 0000 0000", b"0000-0000-0000-0000")
_CARD = re.compile(r"(?<![\w.-])[2-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}(?![\w.-])")


def policy_flags(
    manifest: Manifest,
    events: Iterable[Event | Unknown],
    texts: Iterable[str],
    left_out: int,
) -> tuple[Flag, ...]:
    """The flags of a trace that nobody verified, in the order of `FLAGS`. `texts` are those of its row, `left_out` the
    characters taken from them."""
    found: dict[str, tuple[int, str]] = {}
    seen = _Seen(events)
    done = manifest.completeness
    given, actor = manifest.provenance, manifest.actor
    if done.state != "complete":
        found[done.state] = (
            max(1, done.gap_count),
            "; ".join(dict.fromkeys(gap.reason for gap in done.gaps))[:500],
        )
    if seen.secrets:
        found["secrets-redacted"] = (seen.secrets.total(), _counted(seen.secrets))
    if manifest.redactions:
        reasons = "; ".join(redaction.reason for redaction in manifest.redactions)
        found["redacted-after-sealing"] = (sum(len(one.fields) for one in manifest.redactions), reasons[:500])
    if seen.hidden:
        found["hidden-input"] = (seen.hidden.total(), _counted(seen.hidden))
    if seen.network:
        found["network-gaps"] = (seen.network.total(), _counted(seen.network))
    if personal := Counter(kind for text in texts for kind in personal_data(text)):
        found["personal-data-suspected"] = (personal.total(), _counted(personal))
    for flag, holds, detail in (
        ("licence-unknown", not given.source_licence, ""),
        ("consent-missing", not given.consent, ""),
        ("no-instruction", not manifest.task.instruction, ""),
        ("no-outcome", manifest.outcome.reward is None, ""),
        ("unsigned", manifest.seal is None, ""),
        ("imported", "import" in given.recorder.settings, given.recorder.settings.get("import", "")),
        ("model-acted", actor.kind != "human", actor.model or ""),
        ("assistant-helped", given.assistant_model is not None, given.assistant_model or ""),
        ("unverified", True, ""),
    ):
        if holds:
            found[flag] = (1, detail)
    if left_out:
        found["shortened"] = (left_out, "characters")
    if seen.unknown:
        found["unknown-events"] = (seen.unknown.total(), _counted(seen.unknown))
    return tuple(
        Flag(flag=flag, count=found[flag][0], detail=found[flag][1]) for flag in FLAGS if flag in found
    )


def verified(row: Row, verification: Verification | None) -> Row:
    """The row with what a trusted replay found (None: there was none), in its evaluation and its flags."""
    flags = [flag for flag in row.policy_flags if flag.flag not in ("unverified", "diverged")]
    if verification is None:
        flags.append(Flag(flag="unverified", count=1, detail=""))
    elif not holds_again(verification):
        detail = verification.verdict + ("" if verification.steady else ", not steady")
        flags.append(Flag(flag="diverged", count=1, detail=detail))
    order = list(FLAGS)
    return replace(
        row,
        evaluation=replace(row.evaluation, verification=verification),
        policy_flags=tuple(sorted(flags, key=lambda flag: order.index(flag.flag))),
    )


def holds_again(verification: Verification) -> bool:
    """Whether every step of every replay was verified, and the outcome earned again."""
    return verification.verdict in ("exact", "equivalent") and verification.steady


def _verdict(verification: Verification | None) -> str:
    return (
        "" if verification is None else verification.verdict + ("" if verification.steady else ", not steady")
    )


def personal_data(text: str) -> Iterator[str]:
    """The kind of each thing in `text` that looks like personal data: email, telephone, IBAN, card. A suspicion: names
    have no shape. Addresses reserved for examples are passed over."""
    shape = text.encode("utf-8", "replace").translate(_SHAPE)
    if b"@" in shape:
        for match in _EMAIL.finditer(text):
            if not _RESERVED.search(match["domain"]) and not match[0].startswith(("git@", "noreply@")):
                yield "email"
    if b"+0" in shape:
        for _ in _TELEPHONE.finditer(text):
            yield "telephone"
    if b"AA00" in shape:
        for match in _IBAN.finditer(text):
            if _mod97(match[0].replace(" ", "")):
                yield "IBAN"
    if any(card in shape for card in _CARD_SHAPES):
        for match in _CARD.finditer(text):
            if _luhn(re.sub(r"\D", "", match[0])):
                yield "card"


def _mod97(iban: str) -> bool:
    digits = "".join(str(int(char, 36)) for char in iban[4:] + iban[:4])
    return 15 <= len(iban) <= 34 and int(digits) % 97 == 1


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(d), 10)) if n % 2 else int(d) for n, d in enumerate(reversed(digits)))
    return len(set(digits)) > 1 and sum(doubled) % 10 == 0


class _Seen:
    """What events tell that flags count."""

    def __init__(self, events: Iterable[Event | Unknown]) -> None:
        self.secrets: Counter[str] = Counter()
        self.hidden: Counter[str] = Counter()
        self.network: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        for event in events:
            match event:
                case SecretReplaced():
                    self.secrets[event.rule] += 1
                case Input(hidden=True):
                    self.hidden["typed without echo"] += 1
                case PageTarget(masked=True):
                    self.hidden["masked fields"] += 1
                case Connected() if event.handling != "captured":
                    self.network[f"connections {event.handling}"] += 1
                case FlowAnswered():
                    self._flow(event)
                case Unknown():
                    self.unknown[event.kind] += 1
                case _:
                    pass

    def _flow(self, event: FlowAnswered) -> None:
        if event.status is None:
            self.network["requests without an answer"] += 1
        for body in (event.request, event.response):
            if body.skipped is not None:
                self.network["bodies not kept"] += 1
            if body.partial:
                self.network["bodies cut short"] += 1


def _counted(found: Counter[str]) -> str:
    return ", ".join(
        f"{n} {what}" for what, n in sorted(found.items(), key=lambda one: (-one[1], one[0]))[:10]
    )


def flagged(flags: Sequence[Flag]) -> frozenset[str]:
    """Their names."""
    return frozenset(flag.flag for flag in flags)
