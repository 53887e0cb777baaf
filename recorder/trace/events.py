"""The vocabulary: every fact that a source can state, defined once. Everything else is a view of it.

Times are nanoseconds of CLOCK_BOOTTIME since the session started. Offsets are byte positions in the raw
output of the event's terminal: the concatenation of its output frames, our own marks included.
No field defaults a time or an id. Types of a released schema version never change (see `migrations`).
What browsers state has a room of its own: `pages`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from recorder.trace.event import Cells, Count, Digest, Event, Exit, Nanos, Offset, Path, Source
from recorder.trace.pages import (
    BrowserEnded,
    BrowserStarted,
    Clip,
    ClockRead,
    DialogAnswered,
    DocumentEnded,
    DocumentShown,
    DocumentStarted,
    Downloaded,
    FileChosen,
    FrameSeen,
    Navigated,
    PageEvent,
    PageRequest,
    PageState,
    PageTarget,
    Screenshot,
    TabActivated,
    TabClosed,
    TabOpened,
)

__all__ = [
    "SCHEMA_VERSION",
    "AnyEvent",
    "Body",
    "BrowserEnded",
    "BrowserStarted",
    "Cause",
    "Cells",
    "Change",
    "Checked",
    "Clip",
    "ClockRead",
    "CommandEnded",
    "CommandStarted",
    "Connected",
    "Count",
    "DialogAnswered",
    "Digest",
    "DocumentEnded",
    "DocumentShown",
    "DocumentStarted",
    "Downloaded",
    "Event",
    "Exit",
    "FileChosen",
    "FileState",
    "FlowAnswered",
    "FlowClosed",
    "FlowMessage",
    "FlowRequested",
    "FrameSeen",
    "Gap",
    "Input",
    "Marked",
    "NameAsked",
    "Nanos",
    "Navigated",
    "NetworkStarted",
    "Noted",
    "Offset",
    "PageEvent",
    "PageRequest",
    "PageState",
    "PageTarget",
    "Path",
    "PromptShown",
    "Recovered",
    "Resized",
    "Screenshot",
    "SecretReplaced",
    "ShellFile",
    "Source",
    "TabActivated",
    "TabClosed",
    "TabOpened",
    "TerminalEnded",
    "TerminalStarted",
    "TreeEntry",
    "Unknown",
    "WorkspaceChanged",
    "WorkspaceEdited",
    "WorkspaceSnapshot",
    "escape_path",
    "unescape_path",
]

SCHEMA_VERSION = 1

# -- terminal ---------------------------------------------------------------------------------------


class ShellFile(Struct, frozen=True, kw_only=True):
    """A file that the recorder put beside the shell (its integration); replay puts the same one there."""

    path: Path
    mode: Annotated[int, Meta(ge=0, le=0o777)]
    blob: Digest


class TerminalStarted(Event, frozen=True, kw_only=True, tag="terminal.started"):
    """A program was started on a terminal of ours. `env` holds allow-listed variables only."""

    argv: list[str]
    shell: Literal["bash", "zsh", "fish"] | None
    cwd: Path
    env: dict[str, str]
    cols: Cells
    rows: Cells
    nonce: str
    files: list[ShellFile]


class PromptShown(Event, frozen=True, kw_only=True, tag="terminal.prompt"):
    """The shell's n-th prompt (from 1). `offset` is where its first byte begins, `ready` where typing begins."""

    n: Count
    offset: Offset
    ready: Offset


class CommandStarted(Event, frozen=True, kw_only=True, tag="command.started"):
    """The shell accepted its n-th command (from 1); its output begins at `offset`."""

    n: Count
    offset: Offset
    text: str
    cwd: Path


class CommandEnded(Event, frozen=True, kw_only=True, tag="command.ended"):
    """Command n ended; its output ends at `offset`. `cwd` is the shell's folder afterwards."""

    n: Count
    offset: Offset
    exit: Exit
    cwd: Path


class Input(Event, frozen=True, kw_only=True, tag="terminal.input"):
    """Bytes that went to the terminal, with the state they were typed into.

    `prompts` and `commands` count what had been shown and started before; `at_prompt` says which is current.
    `foreground` is the command name of the foreground process group's leader. With `hidden` the terminal did
    not echo in line mode (a password): the text was dropped unseen, `data` holds only the control keys that
    ended it. `reply` marks bytes that the expert's terminal sent by itself in answer to a query.
    """

    data: bytes
    offset: Offset
    prompts: Count
    commands: Count
    at_prompt: bool
    icanon: bool
    echo: bool
    foreground: str
    hidden: bool
    reply: bool


class Resized(Event, frozen=True, kw_only=True, tag="terminal.resized"):
    """The terminal's size changed; output from `offset` on was made for it."""

    cols: Cells
    rows: Cells
    offset: Offset


class TerminalEnded(Event, frozen=True, kw_only=True, tag="terminal.ended"):
    """The program on the terminal ended. `exit` is null when nobody saw its status."""

    exit: Exit | None
    offset: Offset


# -- workspace --------------------------------------------------------------------------------------


class FileState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stands at a path. `blob` is absent where content was not kept; `skipped` then says why."""

    type: Literal["file", "link", "folder", "other"]
    mode: Annotated[int, Meta(ge=0, le=0o7777)]
    size: Annotated[int, Meta(ge=0, lt=2**53)] = 0
    blob: Digest | None = None
    target: Path | None = None
    mtime_ns: int | None = None
    skipped: str | None = None


class TreeEntry(Struct, frozen=True, kw_only=True):
    """A line of a snapshot's tree blob (JSON Lines, sorted by path)."""

    path: Path
    state: FileState


class Change(Struct, frozen=True, kw_only=True):
    """A path, relative to the workspace root, before and after; null where nothing stood there."""

    path: Path
    before: FileState | None
    after: FileState | None


class WorkspaceSnapshot(Event, frozen=True, kw_only=True, tag="workspace.snapshot"):
    """The working folder at the start. `tree` is the blob of its entries; `ignored` lists what was left out.

    `git` is the commit that was checked out. `rules` is the blob of the ignore rules from outside the folder
    (see `ignore.IgnoreRules.load`): with them a scan of the restored tree leaves out the same.
    """

    root: Path
    tree: Digest
    files: Count
    bytes: Annotated[int, Meta(ge=0, lt=2**53)]
    git: str | None
    ignored: list[Path]
    rules: Digest | None = None


class WorkspaceChanged(Event, frozen=True, kw_only=True, tag="workspace.changed"):
    """What commands `first` to `last` changed; more than one where they followed too fast to tell apart."""

    first: Count
    last: Count
    changes: list[Change]


class WorkspaceEdited(Event, frozen=True, kw_only=True, tag="workspace.edited"):
    """Files changed at the prompt by another program (an editor outside the terminal), after `commands` commands."""

    commands: Count
    changes: list[Change]


# -- notes ------------------------------------------------------------------------------------------


class Noted(Event, frozen=True, kw_only=True, tag="note"):
    """The expert's own words on why."""

    text: str


class Marked(Event, frozen=True, kw_only=True, tag="mark"):
    """A label that the expert put on this moment."""

    label: str


class Checked(Event, frozen=True, kw_only=True, tag="check"):
    """An outcome check ran inside the session, as command `command`. Reward is 1 for exit 0, else 0."""

    command: Count
    line: str
    exit: Exit
    reward: float


# -- network ----------------------------------------------------------------------------------------


class Cause(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What opened a connection, and how that is known; `command` is null where nothing told.

    cgroup: the kernel says that the socket belongs to the command's control group. process: the process that owns
    the socket, or its oldest ancestor below the shell, was started while the command ran. browser: the recorded browser
    did; `tab` where it told which.
    """

    command: Count | None
    how: Literal["cgroup", "process", "browser", "unknown"]
    process: str
    tab: Count | None = None


class Body(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Content of a message as it was sent: content codings kept, transfer codings undone. `size` in bytes.

    Of what was not kept, `skipped` says why. `partial`: it ended before it was complete.
    """

    size: Annotated[int, Meta(ge=0, lt=2**53)]
    blob: Digest | None = None
    skipped: str | None = None
    partial: bool = False


class NetworkStarted(Event, frozen=True, kw_only=True, tag="network.started"):
    """A proxy captures from here on, at `address` (host:port). `upstream` is the proxy that it goes through.

    `certificate` is the SHA-256 of its certificate authority (DER), `trust` the file in the session folder from which
    the recorded programs trusted it: a replay puts an authority of its own there. `everywhere`: it has no address of
    its own (`address` is empty) but accepts what goes to any address and port except loopback's.
    """

    address: str
    engine: str
    certificate: Digest
    trust: Path
    upstream: str | None
    everywhere: bool = False


class NameAsked(Event, frozen=True, kw_only=True, tag="network.name"):
    """A program asked the session's name server, and was told `addresses` (of its `type`, A or AAAA; any other type of
    record is told to be empty). `code` is 0 where the name is there, 3 where it is not, 2 where nobody could say."""

    name: str
    type: str
    addresses: list[str]
    code: Count


class Connected(Event, frozen=True, kw_only=True, tag="network.connection"):
    """A program's n-th connection (from 1), open for `duration` ns. `target` is host:port as the program named it.

    passed: bytes were handed on unseen, `sent` and `received` of them; failed: there was no connection, or no
    handshake; bypassed: it was seen to go past the proxy, as far as that can be seen. `reason` says why. `alpn` is
    null without TLS.
    """

    n: Count
    duration: Annotated[int, Meta(ge=0, lt=2**62)]
    target: str | None
    handling: Literal["captured", "passed", "failed", "bypassed"]
    reason: str | None
    tls: str | None
    alpn: str | None
    sent: Annotated[int, Meta(ge=0, lt=2**53)]
    received: Annotated[int, Meta(ge=0, lt=2**53)]
    cause: Cause


class ServerSeen(Event, frozen=True, kw_only=True, tag="network.server"):
    """A program of the session was seen to listen on TCP port `port` of its machine; `cause` is what started it."""

    port: Annotated[int, Meta(ge=0, le=65535)]
    cause: Cause


class FlowRequested(Event, frozen=True, kw_only=True, tag="flow.requested"):
    """A request's head, on connection `connection`; `flow` counts from 1. `url` is absolute. `version` is 1.0, 1.1 or
    2 (imported ones may have 3). `headers` are [name, value] in the order and case of the wire; bytes outside UTF-8
    escaped as in paths."""

    flow: Count
    connection: Count
    method: str
    url: str
    version: str
    headers: list[tuple[str, str]]
    cause: Cause


class FlowAnswered(Event, frozen=True, kw_only=True, omit_defaults=True, tag="flow.answered"):
    """The response was there to its end, or will not come (`status` null, `error` says why).

    `first_byte` and `pace` count from the request, in ns: `pace` are [ns, bytes] of the body's pieces, where it came
    in more than one and over more than 50 ms, or is partial. `server` is the address that answered, where it is
    known; `interim` are the statuses (1xx) that came before the answer and went no further than the proxy.
    """

    flow: Count
    status: Annotated[int, Meta(ge=100, le=999)] | None
    reason: str
    version: str
    headers: list[tuple[str, str]]
    trailers: list[tuple[str, str]]
    request: Body
    response: Body
    first_byte: Annotated[int, Meta(ge=0, lt=2**62)] | None
    pace: list[tuple[int, int]]
    error: str | None
    server: Annotated[str, Meta(max_length=64)] | None = None
    request_trailers: list[tuple[str, str]] = []
    interim: list[Annotated[int, Meta(ge=100, le=199)]] = []


class FlowMessage(Event, frozen=True, kw_only=True, tag="flow.message"):
    """A WebSocket message in a flow that was upgraded; `sent` by the client, else received by it."""

    flow: Count
    sent: bool
    text: bool
    body: Body


class FlowClosed(Event, frozen=True, kw_only=True, tag="flow.closed"):
    """A WebSocket was closed, by the client (`sent`) or by the server; `code` null where the connection just ended."""

    flow: Count
    sent: bool
    code: Count | None
    reason: str


# -- session ----------------------------------------------------------------------------------------


class Gap(Event, frozen=True, kw_only=True, tag="gap"):
    """Something was lost between `t` and `until`. `bytes` is null when nobody can know how much."""

    until: Nanos
    bytes: Count | None
    reason: str


class SecretReplaced(Event, frozen=True, kw_only=True, tag="secret.replaced"):
    """`placeholder` stands in this trace for a secret of the same length; `rule` says what found it."""

    placeholder: bytes
    rule: str


class Recovered(Event, frozen=True, kw_only=True, tag="recovered"):
    """A part of the recorder died and its replacement went on; nothing that was shown is missing."""

    part: str
    detail: str


class Unknown(Struct, frozen=True, kw_only=True):
    """An event of a kind that this version does not know; its original line is kept by the codec."""

    kind: str
    t: int
    source: str


AnyEvent = (
    TerminalStarted | PromptShown | CommandStarted | CommandEnded | Input | Resized | TerminalEnded
    | WorkspaceSnapshot | WorkspaceChanged | WorkspaceEdited
    | Noted | Marked | Checked
    | NetworkStarted | NameAsked | Connected | ServerSeen | FlowRequested | FlowAnswered | FlowMessage | FlowClosed
    | Gap | Recovered | SecretReplaced
    | BrowserStarted | BrowserEnded | TabOpened | TabActivated | TabClosed
    | FrameSeen | DocumentStarted | DocumentEnded | DocumentShown | Navigated | PageRequest
    | Downloaded | PageTarget | PageEvent | PageState | Screenshot | DialogAnswered | ClockRead
)  # fmt: skip


def escape_path(path: bytes) -> str:
    """Path bytes as text that survives JSON: invalid UTF-8 becomes `\\xNN`, a backslash doubles."""
    text = path.replace(b"\\", b"\\\\").decode("utf-8", "surrogateescape")
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in text)


def unescape_path(text: str) -> bytes:
    """Inverse of `escape_path`. Raises ValueError for an escape that `escape_path` never writes."""
    out = bytearray()
    i = 0
    while i < len(text):
        if text[i] != "\\":
            out += text[i].encode()
            i += 1
        elif text[i + 1 : i + 2] == "\\":
            out += b"\\"
            i += 2
        elif text[i + 1 : i + 2] == "x" and len(text) >= i + 4:
            out.append(int(text[i + 2 : i + 4], 16))
            i += 4
        else:
            raise ValueError(f"bad escape at character {i} of path {text!r}")
    return bytes(out)
