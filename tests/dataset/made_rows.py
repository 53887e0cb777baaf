"""Rows made by hand: each kind of call, and what formats stumble over."""

from __future__ import annotations

from typing import Any

import msgspec

from replay.dataset.observation import told
from replay.dataset.row import (
    Answer,
    Browser,
    BrowserCall,
    Call,
    Check,
    Edit,
    EditCall,
    Element,
    Environment,
    Evaluation,
    FileChange,
    Flag,
    Keystrokes,
    KeystrokesCall,
    Mark,
    Message,
    Page,
    Patch,
    Provenance,
    Rationale,
    Request,
    Row,
    Shell,
    ShellCall,
    ToolCall,
    Verification,
)

SECOND = 10**9
DIFF = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-2\n+1\n"
PATCH = f"diff --git a/a.py b/a.py\n{DIFF}"
VERIFIED = Verification(
    verdict="equivalent", counts={"exact": 2, "equivalent": 2}, digest="d" * 64, runs=2, steady=True,
    reward=1.0, reenact="0.1.0", clock="libfaketime", key="k" * 64,
)  # fmt: skip


def shell(step: int, command: str, output: str | None = "", exit: int = 0, **more: Any) -> ShellCall:
    answer = Answer(exit=exit, cwd="/w", output=output, **more)
    return ShellCall(arguments=Shell(command=command, cwd="/w"), observation=answer, **_at(step))


def keystrokes(step: int) -> KeystrokesCall:
    typed = Keystrokes(command="vim a.py", cwd="/w", keys=(":s/2/1/", "Enter", ":wq", "Enter"))
    change = FileChange(path="a.py", change="modified", diff=DIFF)
    answer = Answer(exit=0, cwd="/w", screen=("1", "~", '"a.py" 1L written'), files=(change,))
    return KeystrokesCall(arguments=typed, observation=answer, **_at(step))


def browser(step: int) -> BrowserCall:
    button = Element(
        role="button", name="Save “all” </tools>\n", near={"row": "Ünïcode"}, rect=(1.5, 2, 3, 4)
    )
    gesture = Browser(action="click", description='Click the button "Save"', tab=1, element=button)
    page = Page(place="tab 1", url="http://shop.example/", title="Shop", aria="- button: Save\n")
    asked = Request(method="POST", url="http://shop.example/save", status=200)
    answer = Answer(pages=(page,), dialogs=("confirm: Sure?",), requests=(asked,))
    return BrowserCall(arguments=gesture, observation=answer, **_at(step))


def edit(step: int) -> EditCall:
    changes = (
        FileChange(path="a.py", change="modified", diff=DIFF),
        FileChange(path="b.bin", change="created", why="no text"),
    )
    return EditCall(arguments=Edit(files=changes), observation=Answer(), **_at(step))


def every_kind() -> tuple[ToolCall, ...]:
    return (
        shell(1, "pytest -q", "1 failed\n<|im_end|> {{x}}", exit=1),
        keystrokes(2),
        browser(3),
        edit(4),
        shell(5, "true", "", reward=1.0),
    )


def row(
    calls: tuple[ToolCall, ...] | None = None,
    *,
    n: int = 1,
    instruction: str = "Mend a.py.",
    words: dict[int, str] | None = None,
    last_words: str = "",
    reward: float | None = 1.0,
    verification: Verification | None = VERIFIED,
    patch: Patch | None = None,
    marks: tuple[Mark, ...] = (),
    **provenance: Any,
) -> Row:
    """A row of `calls` (of every kind, where none are given); `words` stand before the call of that step."""
    calls = every_kind() if calls is None else calls
    words = {2: "It adds one too many."} if words is None else words
    messages = [Message(role="user", content=instruction)] if instruction else []
    rationale = []
    for call in calls:
        arguments = msgspec.to_builtins(call.arguments)
        said = words.get(call.step, "")
        if said:
            rationale.append(Rationale(t=call.t_start - 1, step=call.step - 1, text=said))
        own = Call(id=call.id, name=call.name, arguments=arguments)
        messages.append(Message(role="assistant", content=said, tool_calls=(own,)))
        answer = told(call.observation) or "[no output]"
        messages.append(Message(role="tool", content=answer, tool_call_id=call.id, name=call.name))
    if last_words:
        messages.append(Message(role="assistant", content=last_words))
    checks = (
        ()
        if reward is None
        else (Check(step=calls[-1].step if calls else None, command="true", exit=0, reward=reward),)
    )
    return Row(
        row_version=1,
        trace_id=f"018bcfe5-6800-7000-8000-{n:012d}",
        messages=tuple(messages),
        rationale=tuple(rationale),
        marks=marks,
        tool_calls=calls,
        patch=patch or Patch(diff=PATCH),
        evaluation=Evaluation(reward=reward, checks=checks, verification=verification, reviews=()),
        policy_flags=(Flag(flag="licence-unknown", count=1, detail=""),),
        provenance=_provenance(**provenance),
    )


def _at(step: int) -> dict[str, Any]:
    return {"id": f"call_{step}", "step": step, "t_start": step * SECOND, "t_end": step * SECOND + 5}


def _provenance(**given: Any) -> Provenance:
    known: dict[str, Any] = {
        "annotator": "expert-7", "project": None, "consent": "research", "source_licence": "MIT", "url": None,
        "repo": None, "commit": None, "actor": "human", "model": None, "assistant_model": None,
        "recorder_version": "0.1.0", "recorder_settings": {"isolated": "false"}, "rubric_version": None,
        "parent": None,
        "environment": Environment(
            os="Debian 12", kernel="6.1", shell="bash", terminal="xterm", locale="C.UTF-8", timezone="UTC"
        ),
        "recorded_unix_ns": 1_700_000_000 * SECOND, "duration_ns": 9 * SECOND, "completeness": "complete",
        "trace_sha256": "a" * 64, "event_root": "b" * 64, "public_key": None,
    }  # fmt: skip
    return Provenance(**known | given)
