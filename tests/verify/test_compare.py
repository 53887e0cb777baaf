from __future__ import annotations

import pytest

from recorder.trace.events import Change, FileState, Input
from replay.verify import verdict as verdicts
from replay.verify.compare import compare
from replay.verify.echo import typed
from replay.verify.noise import learn
from replay.verify.verdict import (
    BLOCK,
    END,
    WHOLE,
    Context,
    Facet,
    FacetVerdict,
    Observation,
    Output,
    OutputBuilder,
    StepVerdict,
    Verdict,
    judged,
    not_reached,
    unsupported,
    worst,
)

EXACT, EQUIVALENT, DIVERGED = Verdict.EXACT, Verdict.EQUIVALENT, Verdict.DIVERGED


def showed(output: bytes | str = b"", **more: object) -> Observation:
    data = output.encode() if isinstance(output, str) else output
    return Observation(output=Output.of(data), **more)  # type: ignore[arg-type]


# -- verdicts ---------------------------------------------------------------------------------------


def test_verdicts_are_ordered() -> None:
    assert sorted(Verdict, key=lambda v: v.rank) == [
        EXACT,
        EQUIVALENT,
        Verdict.NOT_REACHED,
        Verdict.UNSUPPORTED,
        DIVERGED,
    ]
    assert EXACT < EQUIVALENT < DIVERGED
    assert DIVERGED > Verdict.UNSUPPORTED >= Verdict.NOT_REACHED
    assert worst([EXACT, DIVERGED, EQUIVALENT]) is DIVERGED
    assert worst([]) is Verdict.NOT_REACHED, "nothing judged is never verified"


def test_a_step_of_which_nothing_is_known_is_not_verified() -> None:
    assert compare(Observation(), Observation()).verdict is Verdict.NOT_REACHED


def test_other_verdicts_carry_their_reason() -> None:
    assert not_reached("after step 3").causes == ("after step 3",)
    assert unsupported("no fish here").how == "no fish here"
    assert not unsupported("x").verdict.verified


# -- facets -----------------------------------------------------------------------------------------

WHOLE_STEP = Observation(
    exit=0, output=Output.of(b"hi\r\n"), cwd="/w", changes=(), text="echo hi", reward=1.0, screen=("hi",)
)


def test_same_in_every_facet_is_exact() -> None:
    verdict = compare(WHOLE_STEP, WHOLE_STEP)
    assert verdict.verdict is EXACT
    assert verdict.how == "exact"
    assert {f.facet for f in verdict.facets} >= {
        Facet.EXIT,
        Facet.OUTPUT,
        Facet.CWD,
        Facet.FILES,
        Facet.TEXT,
        Facet.REWARD,
    }


@pytest.mark.parametrize(
    ("facet", "change"),
    [
        (Facet.TEXT, {"text": "echo ho"}),
        (Facet.EXIT, {"exit": 1}),
        (Facet.EXIT, {"exit": None}),
        (Facet.CWD, {"cwd": "/x"}),
        (Facet.CWD, {"cwd": None}),
        (Facet.FILES, {"changes": (Change(path="a", before=None, after=FileState(type="folder", mode=0o755)),)}),
        (Facet.OUTPUT, {"output": Output.of(b"ho\r\n")}),
        (Facet.OUTPUT, {"output": None}),
        (Facet.REWARD, {"reward": 0.0}),
        (Facet.REWARD, {"reward": None}),
    ],
)  # fmt: skip
def test_one_different_facet_diverges(facet: Facet, change: dict[str, object]) -> None:
    import msgspec

    verdict = compare(WHOLE_STEP, msgspec.structs.replace(WHOLE_STEP, **change))
    assert verdict.verdict is DIVERGED
    assert [f.facet for f in verdict.facets if f.verdict is DIVERGED] == [facet]
    assert verdict.how == f"diverged in {facet}"
    assert verdict.miss is not None
    assert verdict.miss.facet is facet


def test_what_the_recording_does_not_know_is_not_judged() -> None:
    verdict = compare(showed("x"), Observation(exit=7, output=Output.of(b"x"), cwd="/", text="y", reward=1.0))
    assert verdict.verdict is EXACT
    assert [f.facet for f in verdict.facets] == [Facet.OUTPUT]


def test_temporary_working_folder() -> None:
    verdict = compare(Observation(cwd="/tmp/tmp.4kD2lqAb3z/a"), Observation(cwd="/tmp/tmp.Zk32lqAb3z/a"))
    assert (verdict.verdict, verdict.causes) == (EQUIVALENT, ("temporary-names",))
    assert compare(Observation(cwd="/w/0.03s"), Observation(cwd="/w/0.04s")).verdict is DIVERGED


def test_a_gap_in_the_recording_excuses_nothing_and_blames_nobody() -> None:
    context = Context(gaps=("the writer was killed",))
    verdict = compare(showed("a"), showed("a\r\nb"), context)
    assert verdict.verdict is Verdict.UNSUPPORTED
    assert verdict.how == "the recording has a gap: the writer was killed"
    assert compare(showed("a"), showed("a"), context).verdict is EXACT
    assert compare(Observation(exit=0), Observation(exit=1), context).verdict is DIVERGED


# -- outputs over the limit -------------------------------------------------------------------------


def big(size: int, *changed: int, tail: bytes = b"") -> Output:
    data = bytearray(b"0123456789abcde\n" * (size // 16))
    for at in changed:
        data[at] ^= 1
    builder = OutputBuilder()
    for at in range(0, len(data), 700_001):
        builder.feed(data[at : at + 700_001])
    builder.feed(tail)
    return builder.done()


def test_long_outputs_are_compared_by_hash() -> None:
    size = WHOLE + 3 * BLOCK
    one = big(size)
    assert not one.whole
    assert (len(one.head), len(one.tail), one.total, len(one.prefixes)) == (END, END, size, size // BLOCK)
    assert compare(Observation(output=one), Observation(output=big(size))).verdict is EXACT
    for at in (5, 2 * BLOCK + 5, size - 5):
        verdict = compare(Observation(output=one), Observation(output=big(size, at)))
        assert verdict.verdict is DIVERGED
        assert verdict.miss is not None
        assert verdict.miss.offset is not None
        assert verdict.miss.offset <= at < verdict.miss.offset + BLOCK


@pytest.mark.parametrize("size", [WHOLE - 16, WHOLE, WHOLE + 16, WHOLE + END])
def test_output_limits(size: int) -> None:
    data = b"0123456789abcde\n" * (size // 16)
    output = big(size)
    assert output.whole == (size <= WHOLE)
    assert output.total == size
    assert output.head == data[: size if output.whole else END]
    assert output.tail == (b"" if output.whole else data[-END:])


def test_a_long_stream_that_was_interrupted() -> None:
    context = Context(interrupted=True)
    short, long = big(5 * BLOCK, tail=b"^C\r\n"), big(9 * BLOCK, tail=b"^C\r\n")
    tiny = Output.of(b"0123456789abcde\n" * (3 * BLOCK // 16) + b"^C\r\n")
    for a, b in ((short, long), (long, short), (tiny, long), (long, tiny)):
        verdict = compare(Observation(output=a), Observation(output=b), context)
        assert (verdict.verdict, verdict.causes) == (EQUIVALENT, ("interrupted",))
        assert compare(Observation(output=a), Observation(output=b)).verdict is DIVERGED
    other = big(9 * BLOCK, BLOCK + 7)
    assert compare(Observation(output=short), Observation(output=other), context).verdict is DIVERGED


# -- methods ----------------------------------------------------------------------------------------

INTERRUPTED = Context(interrupted=True)


@pytest.mark.parametrize(
    ("recorded", "observed", "causes"),
    [
        ("y\r\n" * 9 + "^C\r\n", "y\r\n" * 5 + "^C\r\n", ("interrupted",)),
        ("y\r\n" * 9 + "^C\r\n", "y\r\n" * 5 + "y^C\r\n", ("interrupted",)),
        ("y\r\n" * 9, "y\r\n" * 5, ("interrupted",)),
        ("a 0.1s\r\nb 0.2s\r\n^Z\r\n", "a 0.3s\r\n^Z\r\n", ("interrupted",)),
        ("a\r\nb\r\n^C\r\nran 0.1s\r\n", "a\r\n^C\r\nran 0.2s\r\n", ("durations", "interrupted")),
        ("a\r\nb\r\n^C\r\n3 sent\r\n", "a\r\n^C\r\n2 sent\r\n", None),
        ("a\r\nb\r\n^C\r\n", "a\r\nc\r\n^C\r\n", None),
        ("a\r\nb\r\n^C\r\n", "^C\r\n", None),
        ("a\r\nb\r\n^C\r\n", "a\r\n", None),
        ("abc\r\n^C\r\n", "abd^C\r\n", None),
        ("ab\r\nabc\r\n^C\r\n", "ab\r\nabd^C\r\n", None),
        ("yyyyyy^C\r\n", "yyy^C\r\n", ("interrupted",)),
    ],
)
def test_interrupted_streams(recorded: str, observed: str, causes: tuple[str, ...] | None) -> None:
    for a, b in ((recorded, observed), (observed, recorded)):
        verdict = compare(showed(a), showed(b), INTERRUPTED)
        assert verdict.verdict is (EQUIVALENT if causes else DIVERGED)
        assert not causes or verdict.causes == causes
    assert compare(showed(recorded), showed(observed)).verdict is DIVERGED, "only where a key interrupted it"


def test_job_notices_move_but_do_not_differ() -> None:
    done, other = "[1]+  Done                    sleep 0.2\r\n", "[1]+  Exit 3                  sleep 0.2\r\n"
    verdict = compare(showed("a\r\n" + done), showed("a\r\n"))
    assert (verdict.verdict, verdict.causes) == (EQUIVALENT, ("job-notices",))
    assert compare(showed("a\r\n" + done), showed("b\r\n")).verdict is DIVERGED
    assert compare(showed(done), showed(other)).verdict is DIVERGED
    moved = compare(showed(done + "a\r\n"), showed("a\r\n" + done.replace("+", "-")))
    assert (moved.verdict, moved.causes) == (EQUIVALENT, ("job-notices",))
    shuffled = compare(showed("1\r\n" + done + "2\r\n3\r\n"), showed("2\r\n3\r\n1\r\n"))
    assert shuffled.causes == ("order", "job-notices")
    killed = "\x1b[m\r\r\nfish: Job 1, 'sleep 500' terminated by signal SIGTERM (Polite quit request)\r\n"
    assert compare(showed(killed), showed("\x1b[m\r")).causes == ("job-notices",)
    assert compare(showed("[1]+  Running   sleep 9 &\r\n"), showed("")).verdict is DIVERGED


def key(data: bytes, **more: bool) -> Input:
    state = {"icanon": True, "echo": True, "hidden": False, "reply": False, **more}
    return Input(
        t=1,
        source="terminal/1",
        data=data,
        offset=0,
        prompts=1,
        commands=1,
        at_prompt=False,
        foreground="x",
        **state,
    )  # type: ignore[arg-type]


def test_echo_of_type_ahead_moves() -> None:
    context = Context(echoes=typed([key(b"ls\r")]).echoes)
    verdict = compare(showed("a\r\nls\r\nb\r\n"), showed("a\r\nb\r\nls\r\n"), context)
    assert (verdict.verdict, verdict.causes) == (EQUIVALENT, ("echo",))
    assert compare(showed("a\r\nls\r\nb"), showed("a\r\nc\r\nls\r\n"), context).verdict is DIVERGED


def test_echo_of_keys_typed_before_the_program_began() -> None:
    """A part of them, or all, was echoed before the step's output began; a fast program may leave none echoed."""
    context = Context(echoes=(b"less ", b"/500\r\n"))
    for part in ("less /500\r\n", "s /500\r\n", ""):
        assert compare(showed(part + "a\r\n"), showed("less /500\r\na\r\n"), context).verdict.verified
    assert compare(showed("/501\r\na\r\n"), showed("less /500\r\na\r\n"), context).verdict is DIVERGED


def test_keys_typed_while_a_program_turns_its_line_mode_on_and_off() -> None:
    """As node does while it evaluates a preview: some keys are echoed by the terminal and by the program."""
    keys = typed([key(b"at", echo=False, icanon=False), key(b"."), key(b"all\r", echo=False, icanon=False)])
    assert keys.unsure == b"at.all\r\n"
    context = Context(unsure=keys.unsure)
    for shown in ("> not.att.alall\r\n\r\n", "> not.at.aalll\r\n", "> not.at.all\r\n\r\n"):
        verdict = compare(showed(shown + "no\r\n"), showed("> not.at.all\r\nno\r\n"), context)
        assert verdict.verdict is EQUIVALENT
        assert verdict.causes[-1] == "echo"
    for other in ("> not.at.xall\r\nno\r\n", "> not.at.all\r\nnoa\r\n\r\nt", "> not.at.all\r\nn\r\n"):
        assert compare(showed(other), showed("> not.at.all\r\nno\r\n"), context).verdict is DIVERGED, other


def test_a_flood_stopped_early_and_late() -> None:
    """One of them too long to be kept whole."""
    context = Context(interrupted=True)
    line = b"all work and no play\r\n"
    for times in (5, 20_000, 100_000):
        short, long = line * times + b"^C\r\n", line * 400_000 + b"^C\r\n"
        for a, b in ((short, long), (long, short)):
            verdict = compare(Observation(output=Output.of(a)), Observation(output=Output.of(b)), context)
            assert (verdict.verdict, verdict.causes) == (EQUIVALENT, ("interrupted",))
        other = short.replace(b"no", b"NO", 1)
        verdict = compare(Observation(output=Output.of(other)), Observation(output=Output.of(long)), context)
        assert verdict.verdict is DIVERGED


def test_what_keys_say() -> None:
    lines = typed([key(b"ls\r"), key(b"y"), key(b"\r")])
    assert (lines.echoes, lines.unsure) == ((b"ls\r\n", b"y\r\n"), b"ls\r\ny\r\n")
    assert lines[2:] == (False, False)
    assert typed([key(b"\x03")]) == ((b"^C",), b"^C", True, False)
    assert typed([key(b"q", icanon=False, echo=False)]) == ((), b"", False, True)
    assert typed([key(b"\r", hidden=True, echo=False)]) == ((), b"", False, False)
    assert typed([key(b"\x1b[c", reply=True, icanon=False, echo=False)]) == ((), b"", False, False)
    assert typed([key(b"\x1b[c", reply=True)]).echoes == (b"^[[c",)  # the terminal's own answer, echoed


def test_keys_typed_while_a_program_with_keys_of_its_own_begins() -> None:
    """The terminal echoes some of them between what the shell and the program draw, others not at all."""
    context = Context(echoes=(b" 500 \r\n",), unsure=b" 500 \r\n")
    drawn = "\x1b[?2004l{}\x1b]0;less\x07{}\x1b[m\r\x1b[?1049h"
    verdict = compare(showed(drawn.format(" 50", "0 \r\n")), showed(drawn.format("", "")), context)
    assert (verdict.verdict, verdict.causes) == (EQUIVALENT, ("echo",))
    assert compare(showed(drawn.format("05", "")), showed(drawn.format("", "")), context).verdict is DIVERGED


def test_lines_in_another_order() -> None:
    verdict = compare(showed("1 0.1s\r\n2\r\n3\r\n"), showed("3\r\n1 0.2s\r\n2\r\n"))
    assert (verdict.verdict, verdict.causes) == (EQUIVALENT, ("durations", "order"))
    assert compare(showed("1\r\n2\r\n3\r\n"), showed("3\r\n1\r\n1\r\n")).verdict is DIVERGED
    assert compare(showed("1 2"), showed("2 1")).verdict is DIVERGED, "words are no lines"
    assert (
        compare(showed("1\r\n2"), showed("2\r\n1"), Context(without=frozenset({"order"}))).verdict is DIVERGED
    )


# -- screens ----------------------------------------------------------------------------------------


def vim(*frames: str, before: str = "", after: str = "", last: tuple[str, ...] | None = None) -> Observation:
    return showed(
        before + "\x1b[?1049h\x1b[H" + "\x1b[2J".join(frames) + "\x1b[?1049l" + after,
        alternate_used=True,
        alternate=last or (frames[-1],),
        screen=("$",),
    )


def test_a_full_screen_program_is_judged_by_its_last_picture() -> None:
    verdict = compare(vim("x", "picture"), vim("picture"))
    assert (verdict.verdict, verdict.causes, verdict.how) == (EQUIVALENT, ("screen",), "equivalent by screen")
    verdict = compare(vim("x", "in 0.1s"), vim("in 0.2s"))
    assert verdict.causes == ("durations", "screen")


def test_a_different_picture_diverges() -> None:
    verdict = compare(vim("picture"), vim("pictures"))
    assert verdict.verdict is DIVERGED
    assert verdict.miss is not None
    assert (verdict.miss.facet, verdict.miss.at) == (Facet.SCREEN, "row 1, column 8")


def test_what_scrolled_by_outside_the_picture_still_counts() -> None:
    lines = "".join(f"{n}\r\n" for n in range(100))
    wrong = lines.replace("\r\n5\r\n", "\r\nfive\r\n")
    assert compare(vim("x", "p", before=lines), vim("p", before=lines)).verdict is EQUIVALENT
    assert compare(vim("x", "p", before=lines), vim("p", before=wrong)).verdict is DIVERGED
    assert compare(vim("x", "p", after=lines), vim("p", after=wrong)).verdict is DIVERGED


def test_plain_output_is_not_saved_by_the_screen() -> None:
    screen = ("99",)
    lines = "".join(f"{n}\r\n" for n in range(100))
    wrong = lines.replace("\r\n5\r\n", "\r\nfive\r\n")
    assert compare(showed(lines, screen=screen), showed(wrong, screen=screen)).verdict is DIVERGED
    assert compare(showed("a\r\n", screen=screen), showed("b\r\n", screen=screen)).verdict is DIVERGED


def test_drawing_without_an_alternate_screen() -> None:
    a = showed("\x1b[H\x1b[2Jtop 1\x1b[2;1Hx\x1b[H", screen=("top 1", "x"))
    b = showed("\x1b[H\x1b[2Jtop 1\x1b[Htop 1\x1b[2;1Hx\x1b[H", screen=("top 1", "x"))
    assert compare(a, b).causes == ("screen",)
    scrolled = showed("\n" * 30 + "\x1b[H\x1b[2Jtop 1\x1b[2;1Hx\x1b[H", screen=("top 1", "x"))
    assert compare(a, scrolled).verdict is DIVERGED, "lines may have scrolled away unseen"
    assert compare(a, showed("\x1b[H\x1b[2Jtop 2\x1b[2;1Hx\x1b[H", screen=("top 2", "x"))).verdict is DIVERGED


# -- files ------------------------------------------------------------------------------------------

CONTENTS = (b"one 0.1s\n", b"one 0.2s\n", b"two 0.1s\n", b"\0 0.1s", b"\0 0.2s")
BLOBS = {name * 64: content for name, content in zip("abcde", CONTENTS, strict=True)}
FILES = Context(blob=BLOBS.get, volatile=lambda path: "cache" if "cache" in path else None)


def file(blob: str | None, mode: int = 0o644, size: int = 9, mtime: int | None = None) -> FileState:
    skipped = None if blob else "too large"
    digest = blob * 64 if blob else None
    return FileState(type="file", mode=mode, size=size, blob=digest, mtime_ns=mtime, skipped=skipped)


LINK = FileState(type="link", mode=0o777, target="a")


def left(*changes: tuple[str, FileState | None, FileState | None]) -> Observation:
    return Observation(changes=tuple(Change(path=p, before=b, after=a) for p, b, a in changes))


@pytest.mark.parametrize(
    ("recorded", "observed", "verdict", "causes"),
    [
        (left(("x", None, file("a"))), left(("x", None, file("a"))), EXACT, ()),
        (left(("x", None, file("a", mtime=1))), left(("x", None, file("a", mtime=2))), EXACT, ()),
        (left(("x", file("a"), file("a", mtime=2))), left(), EXACT, ()),
        (left(("x", None, file("a"))), left(("x", None, file("b"))), EQUIVALENT, ("durations",)),
        (left(("x", None, file("a"))), left(("x", None, file("c"))), DIVERGED, ()),
        (left(("x", None, file("d"))), left(("x", None, file("e"))), DIVERGED, ()),  # not text
        (left(("x", None, file("a"))), left(("x", None, file("f"))), DIVERGED, ()),  # content unknown
        (left(("x", None, file("a"))), left(("x", None, file("a", 0o755))), DIVERGED, ()),
        (left(("x", None, file("a"))), left(("x", None, LINK)), DIVERGED, ()),
        (left(("x", None, LINK)), left(("x", None, FileState(type="link", mode=0o777, target="b"))), DIVERGED, ()),
        (left(("x", None, file("a"))), left(), DIVERGED, ()),
        (left(), left(("x", None, file("a"))), DIVERGED, ()),
        (left(("x", file("a"), None)), left(), DIVERGED, ()),
        (left(("x", None, file("a"))), left(("y", None, file("a"))), DIVERGED, ()),
        (left(("x", None, file(None))), left(("x", None, file(None))), EQUIVALENT, ("content not kept",)),
        (left(("x", None, file(None))), left(("x", None, file(None, size=8))), DIVERGED, ()),
        (left(("cache/1", None, file("a"))), left(("cache/1", None, file("c"))), EQUIVALENT, ("volatile (cache)",)),
        (left(("cache/1", None, file("a"))), left(("cache/2", None, file("c"))), EQUIVALENT, ("volatile (cache)",)),
        (left(("cache/1", None, file("a"))), left(), DIVERGED, ()),
        (left(("cache/1", None, file("a"))), left(("cache/x", None, file("a"))), DIVERGED, ()),
        (left(("cache/1", file("a"), file("c"))), left(), EQUIVALENT, ("volatile (cache)",)),
    ],
)  # fmt: skip
def test_files(
    recorded: Observation, observed: Observation, verdict: Verdict, causes: tuple[str, ...]
) -> None:
    found = compare(recorded, observed, FILES)
    assert (found.verdict, found.causes) == (verdict, causes)
    assert (found.miss is not None) == (verdict is DIVERGED)


def test_a_file_that_differs_shows_where() -> None:
    miss = compare(left(("x", None, file("a"))), left(("x", None, file("c"))), FILES).miss
    assert miss is not None
    assert (miss.path, miss.at, miss.expected, miss.observed) == (
        "x",
        "x, line 1, column 1",
        "one 0.1s",
        "two 0.1s",
    )


# -- noise ------------------------------------------------------------------------------------------


def test_what_differs_between_replays_is_noise() -> None:
    masks = learn([[showed("id 17 ok\r\n")], [showed("id 93 ok\r\n")]])
    context = Context(mask=masks[0])
    verdict = compare(showed("id 55 ok\r\n"), showed("id 17 ok\r\n"), context)
    assert (verdict.verdict, verdict.causes) == (EQUIVALENT, ("noise",))
    for other in ("id 55 no\r\n", "id x ok\r\n", "id 55 ok\r\nmore\r\n", "id 55 66 ok\r\n"):
        assert compare(showed(other), showed("id 17 ok\r\n"), context).verdict is DIVERGED, other


def test_what_differs_only_from_the_recording_is_no_noise() -> None:
    masks = learn([[showed("id 17\r\n")], [showed("id 17\r\n")]])
    assert masks == [None]
    assert compare(showed("id 55\r\n"), showed("id 17\r\n"), Context(mask=masks[0])).verdict is DIVERGED


def test_noise_never_covers_lines_exits_or_presence() -> None:
    assert learn([[showed("a\r\n")], [showed("a\r\nb\r\n")]]) == [None]
    assert learn([[Observation(exit=0)], [Observation(exit=1)]]) == [None]
    assert learn([[left(("x", None, file("a")))], [left()]]) == [None]
    assert learn([[showed("a")]]) == [None]
    assert learn([]) == []
    assert learn([[showed("1"), showed("1")], [showed("2")]])[1] is None


def test_noisy_files_must_be_there() -> None:
    (mask,) = learn([[left(("x", None, file("a")))], [left(("x", None, file("c")))]])
    context = Context(mask=mask, blob=BLOBS.get)
    verdict = compare(left(("x", None, file("f"))), left(("x", None, file("c"))), context)
    assert (verdict.verdict, verdict.causes) == (EQUIVALENT, ("noise",))
    assert compare(left(("x", None, file("f"))), left(), context).verdict is DIVERGED


def test_verdict_of_facets() -> None:
    facets = [
        FacetVerdict(facet=Facet.FILES, verdict=EQUIVALENT, causes=("durations",)),
        FacetVerdict(facet=Facet.OUTPUT, verdict=EQUIVALENT, causes=("pids", "durations")),
    ]
    found = judged(facets)
    assert isinstance(found, StepVerdict)
    assert found.how == "equivalent by durations, pids"
    assert found.facet(Facet.FILES) is facets[0]
    assert found.facet(Facet.EXIT) is None
    assert (
        verdicts.missed(verdicts.NearestMiss(facet=Facet.WAIT, expected="a", observed="b")).verdict
        is DIVERGED
    )
