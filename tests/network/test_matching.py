"""Which recorded flow answers which request, and which requests nothing answers."""

from __future__ import annotations

import json

import pytest
from tape import Tape, asked

from replay.players.network.answers import recorded
from replay.players.network.matching import Asked, How, Match, Matcher, Miss

A, B = "6fa459ea-ee8a-3ca4-894e-db77e160355e", "16fd2706-8baf-433b-82eb-8c7fada847da"


def answers(matcher: Matcher, *requests: Asked) -> list[int | str]:
    """Numbers of the flows that answer, "miss" for none."""
    found = [matcher.match(request) for request in requests]
    return [one.flow.number if isinstance(one, Match) else "miss" for one in found]


def hit(matcher: Matcher, request: Asked) -> Match:
    found = matcher.match(request)
    assert isinstance(found, Match), found
    return found


def missed(matcher: Matcher, request: Asked) -> Miss:
    found = matcher.match(request)
    assert isinstance(found, Miss), found
    return found


def push(old: str, new: str, pack: bytes, ref: str = "refs/heads/main") -> bytes:
    line = f"{old} {new} {ref}\0 report-status".encode()
    return b"%04x" % (len(line) + 4) + line + b"0000" + pack


GIT = [("Content-Type", "application/x-git-receive-pack-request")]
NAME, OTHER, NONE = "ab12" * 10, "cd34" * 10, "0" * 40
PACK = b"PACK\0\0\0\2\0\0\0\3"


@pytest.mark.parametrize(
    ("sent", "how"),
    [
        (push(NAME, OTHER, PACK + b"\xffsome"), How.EXACT),
        (push(OTHER, NAME, PACK + b"\xffother"), How.VOLATILE),  # the same, committed a second later
        (push(NAME, OTHER, PACK[:-1] + b"\4\xffsome"), None),  # another number of objects
        (push(NAME, NONE, b""), None),  # deletes
        (push(NONE, OTHER, PACK + b"\xffsome"), None),  # makes
        (push(NAME, OTHER, PACK + b"\xffsome", "refs/heads/topic"), None),
        (push(NAME, OTHER, b"no pack\xff"), None),
        (b"zzzz\xff", None),
    ],
)  # fmt: skip
def test_a_push_of_commits_made_again(sent: bytes, how: How | None) -> None:
    tape = Tape()
    tape.command(1)
    url = "http://a.example/tool.git/git-receive-pack"
    tape.post(url, push(NAME, OTHER, PACK + b"\xffsome"), b"unpack ok", headers=GIT)
    found = Matcher(tape.recording()).match(asked(url, 1, method="POST", headers=GIT, body=sent))
    assert (found.how if isinstance(found, Match) else None) == how


# -- order and state --------------------------------------------------------------------------------


def test_a_counter_answers_in_its_order() -> None:
    tape = Tape()
    tape.command(1)
    for n in (b"1", b"2", b"3"):
        tape.get("http://a.example/count", n)
    request = asked("http://a.example/count", 1)
    assert answers(Matcher(tape.recording()), request, request, request, request) == [1, 2, 3, "miss"]


def test_another_steps_answers_are_never_given() -> None:
    tape = Tape()
    tape.command(1)
    tape.get("http://a.example/count", b"1")
    tape.command(2)
    tape.get("http://a.example/count", b"2")
    tape.get("http://a.example/count", b"3")
    matcher = Matcher(tape.recording())
    one, two = asked("http://a.example/count", 1), asked("http://a.example/count", 2)
    assert answers(matcher, two, one, two, two) == [2, 1, 3, "miss"]
    assert missed(matcher, asked("http://a.example/count", 3)).parting.where == "step"


def test_the_same_answer_may_be_given_again_where_asking_changes_nothing() -> None:
    tape = Tape()
    tape.command(1)
    tape.get("http://a.example/", b"page")
    tape.post("http://a.example/", b"x", b"done")
    matcher = Matcher(tape.recording())
    assert hit(matcher, asked("http://a.example/", 1)).how is How.EXACT
    assert hit(matcher, asked("http://a.example/", 1)).how is How.REPEATED
    post = asked("http://a.example/", 1, method="POST", body=b"x")
    assert hit(matcher, post).how is How.EXACT
    assert missed(matcher, post).parting.where == "number of times"


def test_without_a_step_only_what_is_unambiguous_is_answered() -> None:
    tape = Tape()
    tape.command(1)
    tape.get("http://a.example/count", b"1")
    tape.get("http://a.example/once", b"only here")
    tape.get("http://a.example/static", b"same")
    tape.command(2)
    tape.get("http://a.example/count", b"2")
    tape.get("http://a.example/static", b"same")
    matcher = Matcher(tape.recording())
    requests = [asked(f"http://a.example/{path}") for path in ("once", "static", "count")]
    assert answers(matcher, *requests) == [2, 3, "miss"]
    assert missed(matcher, asked("http://a.example/count")).parting.where == "step"


def test_a_background_job_is_answered_in_the_step_in_which_it_asked() -> None:
    tape = Tape()
    tape.command(1)
    tape.get("http://a.example/poll", b"early")
    tape.command(2)
    late = tape.request("GET", "http://a.example/poll", command=1)
    tape.answer(late, body=b"late")
    assert answers(Matcher(tape.recording()), asked("http://a.example/poll", 2)) == [2]
    assert answers(Matcher(tape.recording()), *[asked("http://a.example/poll", 1)] * 2) == [1, 2]


def test_flows_nobody_asked_for_are_told() -> None:
    tape = Tape()
    tape.command(1)
    tape.get("http://a.example/1")
    tape.get("http://a.example/2")
    matcher = Matcher(tape.recording())
    hit(matcher, asked("http://a.example/2", 1))
    assert [str(flow) for flow in matcher.unasked()] == ["GET http://a.example/1"]


# -- the same, told otherwise -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["http://a.example/x?b=2&a=1", "http://a.example/%78?a=%31&b=2", "http://A.example:80/x?a=1&b=2#frag"],
)
def test_order_of_parameters_and_escapes_do_not_count(url: str) -> None:
    tape = Tape()
    tape.command(1)
    tape.get("http://a.example/x?a=1&b=2", b"it")
    assert hit(Matcher(tape.recording()), asked(url, 1)).how is How.EXACT


def test_json_forms_and_multipart_bodies_are_compared_by_their_fields() -> None:
    tape = Tape()
    tape.command(1)
    part = b'--%b\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nhello\r\n--%b--\r\n'
    old, new = b"----1234567890abc", b"----zyx0987654321"
    tape.post("http://a.example/j", b'{"a": 1, "b": [true, null]}')
    tape.post(
        "http://a.example/f", b"a=1&b=2", headers=[("Content-Type", "application/x-www-form-urlencoded")]
    )
    kind = "multipart/form-data; boundary="
    tape.post("http://a.example/m", part % (old, old), headers=[("Content-Type", kind + old.decode())])
    matcher = Matcher(tape.recording())
    requests = [
        asked("http://a.example/j", 1, method="POST", body=b'{"b":[true,null],"a":1}'),
        asked(
            "http://a.example/f", 1, method="POST", body=b"b=2&a=1",
            headers=[("content-type", "application/x-www-form-urlencoded")],
        ),
        asked(
            "http://a.example/m", 1, method="POST", body=part % (new, new),
            headers=[("content-type", kind + new.decode())],
        ),
    ]  # fmt: skip
    assert [hit(matcher, request).how for request in requests] == [How.EXACT] * 3


def test_json_that_says_it_is_a_form_is_compared_by_its_fields() -> None:
    """As `curl -d '{…}'` sends it."""
    tape = Tape()
    tape.command(1)
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    tape.post("http://a.example/", b'{"nonce": "%b", "what": "tea"}' % A.encode(), headers=form)
    matcher = Matcher(tape.recording())
    body = b'{"what": "tea", "nonce": "%b"}' % B.encode()
    found = hit(matcher, asked("http://a.example/", 1, method="POST", body=body, headers=form))
    assert (found.how, found.causes) == (How.VOLATILE, ("body field nonce",))


# -- chance -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"http://a.example/x?id={A}", f"http://a.example/x?id={B}"),
        (f"http://a.example/session/{A}/go", f"http://a.example/session/{B}/go"),
        ("http://a.example/x?_=1717243200123", "http://a.example/x?_=1717243299999"),
        ("http://a.example/x?at=2024-06-01T12:00:00Z", "http://a.example/x?at=2024-06-02T08:01:09Z"),
        ("http://a.example/x?n=0.8421734123", "http://a.example/x?n=0.1122334455"),
        ("http://a.example/x?k=9f86d081884c7d65", "http://a.example/x?k=60303ae22b998861"),
        ("http://a.example/x?t=kJ8s7Qa0Zp3LxW92mVbT", "http://a.example/x?t=Yq4hG7wE1rXc9Nn5KuDa"),
        ("http://a.example/x?callback=jQuery361_17", "http://a.example/x?callback=jQuery994_28"),
        ("http://a.example/x?state=a1b2c3d4", "http://a.example/x?state=e5f6a7b8"),
        # What stands in the recording for a secret; the client has the secret.
        ("http://a.example/x?password=r4i5i5w5", "http://a.example/x?password=x1y2z3w4"),
        ("http://a.example/x?client_secret=kqpwmzna", "http://a.example/x?client_secret=abcdefgh"),
        ("http://a.example/x?user[newPassword]=qwet8", "http://a.example/x?user[newPassword]=hunter2"),
    ],
)
def test_values_of_chance_may_differ(old: str, new: str) -> None:
    tape = Tape()
    tape.command(1)
    tape.get(old, b"it")
    found = hit(Matcher(tape.recording()), asked(new, 1))
    assert found.how is How.VOLATILE
    assert found.causes


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("http://a.example/x?q=cats", "http://a.example/x?q=dogs", "parameter q"),
        ("http://a.example/x?page=1", "http://a.example/x?page=2", "parameter page"),
        ("http://a.example/x?q=1", "http://a.example/x", "parameter q"),
        ("http://a.example/x?state=CA", "http://a.example/x?state=NY", "parameter state"),
        ("http://a.example/x?page_token=abcd", "http://a.example/x?page_token=efgh", "parameter page_token"),
        ("http://a.example/x?passenger=ada", "http://a.example/x?passenger=bob", "parameter passenger"),
        ("http://a.example/x/1", "http://a.example/x/2", "path"),
        ("http://a.example/x", "http://b.example/x", "host"),
        ("http://a.example/x", "https://a.example/x", "scheme"),
        (
            "http://a.example/x?s=how-to-cook-rice-in-2024",
            "http://a.example/x?s=how-to-cook-corn-in-2024",
            "parameter s",
        ),
        (f"http://a.example/blob/{'a1' * 32}", f"http://a.example/blob/{'b2' * 32}", "path"),
        (f"http://a.example/x?sha={'a1' * 20}", f"http://a.example/x?sha={'b2' * 20}", "parameter sha"),
    ],
)
def test_values_that_mean_something_may_not(old: str, new: str, where: str) -> None:
    tape = Tape()
    tape.command(1)
    tape.get(old, b"it")
    miss = missed(Matcher(tape.recording()), asked(new, 1))
    assert miss.flow is not None
    assert (miss.flow.number, miss.parting.where) == (1, where)


def test_binary_bodies_never_stand_for_each_other() -> None:
    tape = Tape()
    tape.command(1)
    tape.post("http://a.example/", b"\xff\xfe\x00first")
    miss = missed(
        Matcher(tape.recording()), asked("http://a.example/", 1, method="POST", body=b"\xff\xfe\x00other")
    )
    assert miss.parting.where == "body content"


def test_calls_are_answered_in_their_order_whatever_their_ids() -> None:
    tape = Tape()
    tape.command(1)
    for n in (1, 2):
        call = json.dumps({"jsonrpc": "2.0", "id": n, "method": "next"}).encode()
        tape.post("http://a.example/rpc", call, b'{"jsonrpc":"2.0","result":%d,"id": %d}' % (10 * n, n))
    matcher = Matcher(tape.recording())
    for n in (2, 3):
        call = json.dumps({"jsonrpc": "2.0", "id": n, "method": "next"}).encode()
        found = hit(matcher, asked("http://a.example/rpc", 1, method="POST", body=call))
        said = b'{"jsonrpc":"2.0","result":%d,"id": %d}' % (10 * (n - 1), n - 1)
        assert found.flow.number == n - 1
        assert found.echo is not None
        assert found.echo.body((), said) == b'{"jsonrpc":"2.0","result":%d,"id": %d}' % (10 * (n - 1), n)


# -- headers ----------------------------------------------------------------------------------------


def test_conditions_and_ranges_choose_their_answers() -> None:
    tape = Tape()
    tape.command(1)
    whole = tape.get("http://a.example/f", b"0123456789")
    part = tape.request("GET", "http://a.example/f", [("Range", "bytes=5-")])
    tape.answer(part, 206, b"56789")
    same = tape.request("GET", "http://a.example/f", [("If-None-Match", '"v1"')])
    tape.answer(same, 304)
    matcher = Matcher(tape.recording())
    requests = [
        asked("http://a.example/f", 1, headers=[("if-none-match", '"v1"')]),
        asked("http://a.example/f", 1, headers=[("range", "bytes=5-")]),
        asked("http://a.example/f", 1),
        asked("http://a.example/f", 1, headers=[("range", "bytes=7-")]),
    ]
    assert answers(matcher, *requests) == [same, part, whole, "miss"]


def test_an_answer_that_was_given_still_holds_when_its_client_asks() -> None:
    """A cache asks again where the day says so, which is another in a replay."""
    tape = Tape()
    tape.command(1)
    style = tape.get(
        "http://a.example/a.css", b"a {}", headers=[("ETag", '"v1"'), ("Last-Modified", "Monday")]
    )
    tape.command(2)
    matcher = Matcher(tape.recording())
    conditions = [("if-none-match", '"v1"'), ("if-modified-since", "Monday")]
    again = asked("http://a.example/a.css", 2, headers=conditions)
    missed(matcher, again)  # nobody was given it yet
    matcher = Matcher(tape.recording())
    hit(matcher, asked("http://a.example/a.css", 1))
    found = hit(matcher, again)
    assert (found.flow.number, found.how, found.held) == (style, How.REPEATED, True)
    answer = recorded(found.flow, found, b"a {}")
    assert answer is not None
    assert (answer.status, answer.body, answer.header(b"etag")) == (304, b"", b'"v1"')
    missed(matcher, asked("http://a.example/a.css", 2, headers=[("if-none-match", '"v2"')]))
    missed(matcher, asked("http://a.example/a.css", 2, headers=[*conditions, ("range", "bytes=1-")]))


def test_the_date_of_a_file_of_the_clients_own_may_differ() -> None:
    tape = Tape()
    tape.command(1)
    url, since = "http://a.example/x", "If-Modified-Since"
    tape.answer(tape.request("GET", url, [(since, "Sun, 02 Jun 2024 10:00:00 GMT")]), status=304)
    tape.answer(tape.request("GET", url, [(since, "Mon, 03 Jun 2024 10:00:00 GMT")]), status=304)
    matcher = Matcher(tape.recording())
    found = hit(matcher, asked(url, 1, headers=[(since, "Mon, 03 Jun 2024 10:00:00 GMT")]))
    assert (found.flow.number, found.how) == (2, How.EXACT)
    found = hit(matcher, asked(url, 1, headers=[(since, "Mon, 03 Jun 2024 10:00:01 GMT")]))
    assert (found.flow.number, found.how, found.causes) == (1, How.VOLATILE, ("header if-modified-since",))
    assert answers(matcher, asked(url, 1)) == ["miss"]


def test_a_retry_with_credentials_is_told_from_the_first_try() -> None:
    tape = Tape()
    tape.command(1)
    first = tape.get("http://a.example/", status=401)
    again = tape.request("GET", "http://a.example/", [("Authorization", "Basic placeholder")])
    tape.answer(again, 200, b"in")
    matcher = Matcher(tape.recording())
    with_other = asked("http://a.example/", 1, headers=[("authorization", "Basic bWU6bWU=")])
    assert answers(matcher, with_other, asked("http://a.example/", 1)) == [again, first]


def test_cookies_only_break_ties() -> None:
    tape = Tape()
    tape.command(1)
    for name in ("ann", "bob"):
        flow = tape.request("GET", "http://a.example/", [("Cookie", f"user={name}")])
        tape.answer(flow, body=name.encode())
    matcher = Matcher(tape.recording())
    bob = asked("http://a.example/", 1, headers=[("Cookie", "user=bob")])
    other = asked("http://a.example/", 1, headers=[("Cookie", "user=eve")])
    assert answers(matcher, bob, other) == [2, 1]


# -- hostile ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["", "x", "http://", "http:///", "http://[::1", "http://a:99999999/", "http://a.example/?" + "&" * 99999],
)
def test_odd_urls_match_nothing_and_break_nothing(url: str) -> None:
    tape = Tape()
    tape.command(1)
    tape.get("http://a.example/x")
    assert isinstance(Matcher(tape.recording()).match(asked(url, 1)), Miss)
    tape.get(url)
    Matcher(tape.recording()).match(asked(url, 1))


def test_masks_in_the_recording_itself_stand_for_nothing() -> None:
    tape = Tape()
    tape.command(1)
    tape.get("http://a.example/x?id=<uuid>", b"<uuid>")
    Matcher(tape.recording()).match(asked(f"http://a.example/x?id={A}", 1))


def test_deep_json_is_no_trap() -> None:
    deep = b"[" * 5000 + b"]" * 5000
    tape = Tape()
    tape.command(1)
    tape.post("http://a.example/", deep)
    Matcher(tape.recording()).match(asked("http://a.example/", 1, method="POST", body=deep))


def test_an_empty_recording_answers_nothing() -> None:
    miss = missed(Matcher(Tape().recording()), asked("http://a.example/", 1))
    assert (miss.flow, miss.parting.where) == (None, "host")


def test_stand_ins_for_what_was_withheld() -> None:
    """A replay types as many characters as were typed; what they were the recording does not know."""
    tape = Tape()
    tape.command(1)
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    tape.post("http://a.example/login", b"user=ann&answer=ooyafsq&next=/", b"welcome", headers=form)
    matcher = Matcher(tape.recording(), stand_in="x")

    def login(body: bytes) -> Asked:
        return asked("http://a.example/login", 1, method="POST", headers=form, body=body)

    missed(matcher, login(b"user=ann&answer=xxxxxx&next=/"))  # one less
    missed(matcher, login(b"user=bob&answer=xxxxxxx&next=/"))
    missed(matcher, login(b"user=ann&answer=xxxyxxx&next=/"))
    missed(Matcher(tape.recording()), login(b"user=ann&answer=xxxxxxx&next=/"))
    assert hit(matcher, login(b"user=ann&answer=xxxxxxx&next=/")).causes == ("body field answer",)
    missed(matcher, login(b"user=ann&answer=xxxxxxx&next=/"))  # it was asked for once
