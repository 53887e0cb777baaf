"""Events to lines and back, and the strict look before."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trace_sample import UNKNOWN_FIELD, UNKNOWN_KIND, events

from recorder.trace import jsonscan, limits
from recorder.trace.codec import KINDS, decode_event, encode_event, rebase, split_event, with_time
from recorder.trace.errors import Code, TraceRejected
from recorder.trace.events import Gap, Noted, Unknown

SAMPLES = events("a" * 64, "b" * 64, "c" * 64)


def test_the_samples_have_every_kind() -> None:
    assert {type(e) for e in SAMPLES} == set(KINDS.values())


@pytest.mark.parametrize("event", SAMPLES, ids=lambda e: type(e).__name__)
def test_round_trip(event: object) -> None:
    line = encode_event(event)  # type: ignore[arg-type]
    assert b"\n" not in line
    assert decode_event(line, "x") == event
    assert encode_event(decode_event(line, "x")) == line  # type: ignore[arg-type]


def test_an_unknown_kind_and_an_unknown_field_are_no_errors() -> None:
    assert decode_event(UNKNOWN_KIND, "x") == Unknown(kind="browser.click", t=58, source="browser/1")
    assert decode_event(UNKNOWN_FIELD, "x") == Noted(t=59, source="notes", text="later")


NOTE = b'{"kind":"note","t":1,"source":"notes","text":"x"}'
BAD = [
    (b"", Code.SYNTAX),
    (b"[]", Code.SYNTAX),
    (b"null", Code.SYNTAX),
    (NOTE[:-1], Code.TRUNCATED),
    (NOTE + b" ", Code.SYNTAX),
    (NOTE + NOTE, Code.SYNTAX),
    (NOTE.replace(b":1", b": 1"), Code.SYNTAX),
    (NOTE.replace(b":1", b":01"), Code.SYNTAX),
    (NOTE.replace(b":1", b":-1"), Code.SCHEMA),
    (NOTE.replace(b":1", b":1.0"), Code.SCHEMA),
    (NOTE.replace(b":1", b":" + b"9" * 20), Code.SCHEMA),
    (NOTE.replace(b":1", b":" + b"9" * 4000), Code.TOO_LARGE),
    (NOTE.replace(b":1", b":4611686018427387904"), Code.SCHEMA),
    (NOTE.replace(b'"x"', b"5"), Code.SCHEMA),
    (NOTE.replace(b',"text":"x"', b""), Code.SCHEMA),
    (NOTE.replace(b"notes", b"No tes"), Code.SCHEMA),
    (NOTE.replace(b'"note"', b'"No-Such"'), Code.SCHEMA),
    (NOTE.replace(b'"note"', b'"' + b"n" * 65 + b'"'), Code.SCHEMA),
    (NOTE.replace(b'"kind":"note",', b""), Code.SCHEMA),
    (NOTE.replace(b"}", b',"t":2}'), Code.DUPLICATE),
    (NOTE.replace(b"}", b',"\\u0074":2}'), Code.DUPLICATE),
    (NOTE.replace(b"}", b',"u":{"a":1,"a":1}}'), Code.DUPLICATE),
    (NOTE.replace(b'"x"', b'"\xff"'), Code.ENCODING),
    (NOTE.replace(b"}", b',"u":"\xed\xa0\x80"}'), Code.ENCODING),
    (NOTE.replace(b"}", b',"u":"\\ud800"}'), Code.ENCODING),
    (NOTE.replace(b"}", b',"\\udfff":1}'), Code.ENCODING),
    (NOTE.replace(b'"x"', b'"\n"'), Code.SYNTAX),
    (NOTE.replace(b'"x"', b'"\\x"'), Code.SYNTAX),
    (NOTE.replace(b"}", b',"u":NaN}'), Code.SYNTAX),
    (NOTE.replace(b"}", b',"u":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), Code.TOO_DEEP),
    (NOTE.replace(b"}", b',"u":[' + b"0," * limits.MAX_VALUES + b"0]}"), Code.TOO_LARGE),
    (b"{" + b",".join(b'"%x":0' % n for n in range(limits.MAX_VALUES)) + b"}", Code.TOO_LARGE),
    (NOTE.replace(b'"x"', b'"' + b"x" * limits.MAX_LINE + b'"'), Code.TOO_LARGE),
]


@pytest.mark.parametrize(
    ("line", "code"), BAD, ids=lambda v: repr(v[:50]) if isinstance(v, bytes) else str(v)
)
def test_bad_lines(line: bytes, code: Code) -> None:
    with pytest.raises(TraceRejected) as caught:
        decode_event(line, "events.jsonl line 7")
    assert caught.value.code == code
    assert caught.value.place == "events.jsonl line 7"
    assert str(caught.value).startswith("events.jsonl line 7: ")


@pytest.mark.parametrize("event", SAMPLES, ids=lambda e: type(e).__name__)
def test_every_cut_and_flip_of_a_line_is_read_or_rejected(event: object) -> None:
    line = encode_event(event)  # type: ignore[arg-type]
    broken = [line[:n] for n in range(len(line))]
    for at in range(len(line)):
        for bit in (0, 5, 7):
            flipped = bytearray(line)
            flipped[at] ^= 1 << bit
            broken.append(bytes(flipped))
    for data in broken:
        try:
            decode_event(data, "x")
        except TraceRejected:
            continue


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=5), st.booleans())
def test_every_compact_json_object_passes_and_its_spans_are_its_values(
    value: dict[str, object], ascii_only: bool
) -> None:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only).encode()
    jsonscan.check(text, "x")
    for span in jsonscan.spans(text, "x"):
        found: object = value
        for step in span.pointer:
            found = found[step]  # type: ignore[index]
        assert json.loads(text[span.start : span.end]) == found


@given(
    st.dictionaries(
        st.sampled_from(["t", "data", "x", ',"data":', '"t":', "ü"]),
        json_values | st.sampled_from([',"t":1']),
    ),
    st.booleans(),
)
def test_finding_by_name_is_finding_by_span(value: dict[str, object], ascii_only: bool) -> None:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only).encode()
    slow = {s.pointer[0]: s for s in jsonscan.spans(text, "x") if s.pointer in (("t",), ("data",))}
    assert jsonscan.find(text, ["t", "data"], "x") == slow


@given(
    st.lists(
        st.sampled_from([
            b"{", b"}", b"[", b"]", b",", b":", b" ", b'"a"', b'"b":', b'"a":', b'"\\u00e9"', b'"\xc3\xa9"', b'"\\/"',
            b'"\\n"', b'"\\ud800"', b"1", b"-0", b"1e5", b"1.50", b"1e-7", b"0.00000000000000000001",
            b"0.000012345678901234567", b"9" * 20, b"9" * 21, b"1E400", b"null", b"true",
        ]),
        max_size=12,
    ),
    st.integers(0, 40),
)  # fmt: skip
def test_what_a_decoder_lets_through_at_once_the_long_way_does_too(middle: list[bytes], depth: int) -> None:
    for text in (
        b"".join(middle),
        b'{"a":' + b"".join(middle) + b"}",
        b'{"a":' + b"[" * depth + b"".join(middle) + b"]" * depth + b"}",
        b'{"x":1,"y":[' + b"[]," * 40 + b"".join(middle) + b"]}",
    ):
        if jsonscan._canonical(text):
            list(jsonscan._walk(text, "x"))


@given(st.text(alphabet='{}[]",:\\ut0123456789eE+-.nrlfasdé \x00', max_size=40), st.booleans())
def test_what_passes_is_json(middle: str, wrap: bool) -> None:
    text = (f'{{"a":{middle}}}' if wrap else middle).encode()
    try:
        jsonscan.check(text, "x")
    except TraceRejected:
        return
    assert isinstance(json.loads(text), dict)


def test_another_time_changes_nothing_else() -> None:
    line = b'{"kind":"note","u":{"t":[3,4]},"t":7,"source":"notes","text":"\\"t\\":7"}'
    assert with_time(line, 12345) == line.replace(b'"t":7,', b'"t":12345,')
    assert rebase(line, 5) == line.replace(b'"t":7,', b'"t":2,')
    gap = encode_event(Gap(t=100, source="workspace", until=130, bytes=3, reason='"until":9'))
    assert decode_event(rebase(gap, 110), "x") == Gap(
        t=0, source="workspace", until=20, bytes=3, reason='"until":9'
    )


def test_what_is_short_enough_is_not_split() -> None:
    for event in SAMPLES:
        assert list(split_event(event)) == [event]


def test_text_that_is_no_unicode_is_the_callers_error() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        encode_event(Noted(t=0, source="notes", text="\ud800"))
