"""The native row: all that a dataset builder needs of a trace, one JSON object. Types only. Pure.

Versioned by `ROW_VERSION`; the JSON Schema of it is docs/schema/row-v1.json. Times are nanoseconds since the session
began, sizes bytes unless they are said to be characters. Recorded text is as recorded: hostile until checked.
"""

from __future__ import annotations

from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from recorder.trace.verbs import Verb

ROW_VERSION = 1

Tool = Literal["shell", "keystrokes", "browser", "edit"]


class Shell(Struct, frozen=True, kw_only=True):
    """Run a command line in the shell, in `cwd`."""

    command: str
    cwd: str | None


class Keystrokes(Struct, frozen=True, kw_only=True):
    """Run a command line and type `keys` into the program: text as it is, keys by tmux's names (Enter, C-c, Up)."""

    command: str
    cwd: str | None
    keys: tuple[str, ...]


class Element(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An element of a page, in several independent ways: role and name, what stands around it, and paths to it."""

    role: str = ""
    name: str = ""
    tag: str = ""
    label: str = ""
    placeholder: str = ""
    text: str = ""
    test_id: str = ""
    near: dict[str, str] = {}
    css: str = ""
    xpath: str = ""
    shadow: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    rect: tuple[float, float, float, float] | None = None
    """x, y, width and height, CSS pixels of its frame."""


class Browser(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Do `action` to `element` of tab `tab`. `description` says it in a sentence. `value` is the text, the URL or the
    keys; `values` are options selected, `files` names of files given; of what was withheld there is one • a character.
    """

    action: Verb
    description: str
    tab: int
    element: Element | None = None
    onto: Element | None = None
    value: str | None = None
    values: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class FileChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A path of the working folder. `diff` is a unified diff of it; without one `why` says what it lacks."""

    path: str
    change: Literal["created", "modified", "deleted", "replaced"]
    diff: str | None = None
    why: str = ""


class Edit(Struct, frozen=True, kw_only=True):
    """Change files in an editor outside the terminal."""

    files: tuple[FileChange, ...]


class Page(Struct, frozen=True, kw_only=True):
    """What a page was when the step was over. `place` says which tab, and which frame of it (by index in its parents).
    `aria` is its accessibility snapshot (YAML), null where none was kept."""

    place: str
    url: str
    title: str
    aria: str | None


class Request(Struct, frozen=True, kw_only=True):
    """What the step asked of the network; `status` is null where no answer came."""

    method: str
    url: str
    status: int | None


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The observation that answered a call.

    `output` is what the terminal showed, as text: redraws resolved, colours left out; of a full-screen program `screen`
    is what it showed last. `pages` are those of the tab that was acted in, or of the one that it opened. `left_out` are
    the characters taken from the middle of long texts. `complete`: its end was seen and nothing was lost within.
    """

    exit: int | None = None
    cwd: str | None = None
    output: str | None = None
    screen: tuple[str, ...] | None = None
    files: tuple[FileChange, ...] = ()
    pages: tuple[Page, ...] = ()
    dialogs: tuple[str, ...] = ()
    downloads: tuple[str, ...] = ()
    requests: tuple[Request, ...] = ()
    reward: float | None = None
    left_out: int = 0
    complete: bool = True


class _ToolCall(Struct, frozen=True, kw_only=True, tag_field="name"):
    """One step: an action and the observation that answered it. `arguments` are those of the tool `name`."""

    id: str
    step: int
    t_start: int
    t_end: int
    observation: Answer

    @property
    def name(self) -> Tool:
        return cast(Tool, self.__struct_config__.tag)


class ShellCall(_ToolCall, frozen=True, kw_only=True, tag="shell"):
    """A command line that ran, and ended by itself."""

    arguments: Shell


class KeystrokesCall(_ToolCall, frozen=True, kw_only=True, tag="keystrokes"):
    """A program that was typed into."""

    arguments: Keystrokes


class BrowserCall(_ToolCall, frozen=True, kw_only=True, tag="browser"):
    """A gesture in a browser."""

    arguments: Browser


class EditCall(_ToolCall, frozen=True, kw_only=True, tag="edit"):
    """Files that were saved by an editor outside the terminal."""

    arguments: Edit


ToolCall = ShellCall | KeystrokesCall | BrowserCall | EditCall
Arguments = Shell | Keystrokes | Browser | Edit


class Call(Struct, frozen=True, kw_only=True):
    """A call within a message; `id` finds it in `tool_calls`."""

    id: str
    name: Tool
    arguments: dict[str, Any]


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A turn. `user`: the instruction. `assistant`: the expert's words before the next action, and that action.
    `tool`: the observation as text, of call `tool_call_id`."""

    role: Literal["user", "assistant", "tool"]
    content: str
    tool_calls: tuple[Call, ...] = ()
    tool_call_id: str | None = None
    name: Tool | None = None


class Rationale(Struct, frozen=True, kw_only=True):
    """The expert's own words, written at `t`, about step `step` (null: about none). In `messages` they stand before the
    first action that began after them: what was not yet known is never told."""

    t: int
    step: int | None
    text: str


class Mark(Struct, frozen=True, kw_only=True):
    """A label that the expert put on a moment."""

    t: int
    step: int | None
    label: str


class Check(Struct, frozen=True, kw_only=True):
    """An outcome check that ran in the session, at step `step`."""

    step: int | None
    command: str
    exit: int
    reward: float


class Verification(Struct, frozen=True, kw_only=True):
    """What re-executing the trace found. `verdict` is the worst of its steps, `counts` has the number of each.

    `runs` is how often it was replayed, `steady` whether all came to one `digest`; `key` signed it.
    """

    verdict: str
    counts: dict[str, int]
    digest: str
    runs: int
    steady: bool
    reward: float | None
    reenact: str
    clock: str
    key: str


class Evaluation(Struct, frozen=True, kw_only=True):
    """`verification` is null where the trace was not replayed, `reward` where no outcome was checked."""

    reward: float | None
    checks: tuple[Check, ...]
    verification: Verification | None
    reviews: tuple[dict[str, Any], ...]


class Patch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the session came to in the working folder, without `.git` and without paths whose content is volatile.

    `diff` is one patch that `git apply` takes in the folder as it was at the start; empty where nothing changed, null
    where it cannot be told: `why` then says what is lacking.
    """

    diff: str | None
    why: str = ""


class Flag(Struct, frozen=True, kw_only=True):
    """Something that a policy may object to: which (see `flags`), how often, and what in particular."""

    flag: str
    count: int
    detail: str


class Parent(Struct, frozen=True, kw_only=True):
    trace_id: str
    step: int


class Environment(Struct, frozen=True, kw_only=True):
    """The machine, without what names it or its user."""

    os: str
    kernel: str
    shell: str | None
    terminal: str | None
    locale: str | None
    timezone: str | None


class Provenance(Struct, frozen=True, kw_only=True):
    """Where the row comes from. `trace_sha256` is of the file, `event_root` the last link of its events' chain,
    `public_key` that of who sealed it (null: unsigned; the signature was checked)."""

    annotator: str | None
    project: str | None
    consent: str | None
    source_licence: str | None
    url: str | None
    repo: str | None
    commit: str | None
    actor: str
    model: str | None
    assistant_model: str | None
    recorder_version: str
    recorder_settings: dict[str, str]
    rubric_version: str | None
    parent: Parent | None
    environment: Environment
    recorded_unix_ns: int
    duration_ns: int
    completeness: str
    trace_sha256: str
    event_root: str
    public_key: str | None


class Row(Struct, frozen=True, kw_only=True):
    """One trace."""

    row_version: int
    trace_id: str
    messages: tuple[Message, ...]
    rationale: tuple[Rationale, ...]
    marks: tuple[Mark, ...]
    tool_calls: tuple[ToolCall, ...]
    patch: Patch
    evaluation: Evaluation
    policy_flags: tuple[Flag, ...]
    provenance: Provenance

    @property
    def instruction(self) -> str:
        """What was asked for, empty where nobody said."""
        first = self.messages[0] if self.messages else None
        return first.content if first is not None and first.role == "user" else ""


TOOLS: dict[Tool, type[Arguments]] = {
    "shell": Shell,
    "keystrokes": Keystrokes,
    "browser": Browser,
    "edit": Edit,
}
"""The arguments of each tool; their docstrings say what the tools do."""


def json_schema() -> dict[str, Any]:
    """JSON Schema of a row."""
    title = f"Reenact's native row, version {ROW_VERSION}"
    return msgspec.json.schema(Row) | {"$id": f"row-v{ROW_VERSION}", "title": title}
