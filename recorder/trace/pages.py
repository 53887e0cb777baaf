"""What a browser states: tabs, frames, documents, and what a person did in them, event by event.

Two layers. `page.event` is the lossless log of what a document's listeners saw, which a replay dispatches again;
the steps that people read are derived from it (`gestures`). Tabs, frames and documents are numbered from 1 in the
session. A document is one page in one frame: a reload makes another. What one document's capture script states has a
`seq`, from 1 without holes: a hole is a loss. Targets and states are numbered per document.

Lengths and coordinates are CSS pixels; client coordinates count from the frame's own upper left corner.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from recorder.trace.event import Count, Digest, Event

Pixels = Annotated[float, Meta(ge=-1e9, le=1e9, description="CSS pixels")]
Url = Annotated[str, Meta(max_length=1 << 20)]
Short = Annotated[str, Meta(max_length=1024)]
Size = Annotated[int, Meta(ge=0, lt=2**53, description="bytes")]
Millis = Annotated[float, Meta(ge=-1e15, le=1e15, description="milliseconds")]
Rect = tuple[Pixels, Pixels, Pixels, Pixels]
"""x, y, width, height."""


class BrowserStarted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="browser.started"):
    """A browser is recorded from here on. opened: Reenact started it, with a profile of its own; paired: it is the
    expert's own. `storage` is the blob of its cookies and storage then (Playwright's storage state, redacted).

    `seed` is that of the pages' randomness, null where it was left alone; `capture` the version of the capture script.
    """

    mode: Literal["opened", "paired"]
    product: Short
    user_agent: Short
    width: Count
    height: Count
    scale: float
    locale: Short
    languages: list[Short]
    timezone: Short
    dark: bool
    reduced_motion: bool
    headless: bool
    capture: Short
    seed: Count | None = None
    fonts: list[Short] = []
    storage: Digest | None = None


class BrowserEnded(Event, frozen=True, kw_only=True, tag="browser.ended"):
    """The browser, or its recording, ended."""

    reason: Short


class TabOpened(Event, frozen=True, kw_only=True, tag="tab.opened"):
    """A tab or a window of its own. `opener` is the tab whose page opened it; null: the person or the session did."""

    tab: Count
    opener: Count | None
    popup: bool


class TabActivated(Event, frozen=True, kw_only=True, tag="tab.activated"):
    """The tab came to the front."""

    tab: Count


class TabClosed(Event, frozen=True, kw_only=True, tag="tab.closed"):
    tab: Count


class FrameSeen(Event, frozen=True, kw_only=True, tag="page.frame"):
    """A frame of a tab. The tab's own has no `parent`; another is the `index`-th (from 0) of its parent's frames.
    It may be told again when more is known of it."""

    frame: Count
    tab: Count
    parent: Count | None
    index: Count | None
    name: Short


class DocumentStarted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="page.document"):
    """The capture script runs in a new document of `frame`. `opaque`: its origin is none (sandboxed, data:)."""

    doc: Count
    frame: Count
    tab: Count
    url: Url
    opaque: bool = False


class DocumentEnded(Event, frozen=True, kw_only=True, tag="page.ended"):
    """The document is gone, if it is not shown again; `last` is the number of the last that it stated (all were kept,
    unless a gap says so)."""

    doc: Count
    last: Count


class DocumentShown(Event, frozen=True, kw_only=True, tag="page.shown"):
    """The document had ended, and is shown again as it was left: the browser had kept it (back/forward cache) and asked
    nobody for it. Its numbers go on."""

    doc: Count
    frame: Count
    tab: Count
    seq: Count


class Navigated(Event, frozen=True, kw_only=True, omit_defaults=True, tag="page.navigated"):
    """A frame went to `url`. `within`: in the same document (history, fragment). `how` is what the browser says:
    typed, link, form, reload, back_forward, redirect, script, other."""

    tab: Count
    frame: Count
    url: Url
    how: Annotated[str, Meta(max_length=32)]
    within: bool = False


class PageTarget(Event, frozen=True, kw_only=True, omit_defaults=True, tag="page.target"):
    """An element that was acted on, with several independent ways to find it again: the n-th of document `doc`.

    `shadow` are the CSS paths of the shadow hosts around it, outermost first; `css` and `xpath` lead to it within its
    root. `anchors` are what people tell it apart by, such as [row, Invoice 17], [column, Amount], [heading, Settings],
    [item, …]; `ordinal` is its place among `alike` elements of the same role and name. `attributes` are well-known
    harmless ones. `masked`: what it holds is withheld. `control` is the number of the target of the control that it is
    a part of: the button around a picture, the link around a word.
    """

    tab: Count
    frame: Count
    doc: Count
    seq: Count
    n: Count
    tag: Short
    type: Short = ""
    role: Short = ""
    name: Short = ""
    label: Short = ""
    placeholder: Short = ""
    text: Short = ""
    id: Short = ""
    test_id: Short = ""
    attributes: dict[Short, Short] = {}
    anchors: list[tuple[Short, Short]] = []
    css: Annotated[str, Meta(max_length=8192)] = ""
    xpath: Annotated[str, Meta(max_length=8192)] = ""
    shadow: list[Annotated[str, Meta(max_length=8192)]] = []
    closed: bool = False
    rect: Rect | None = None
    ordinal: Count = 0
    alike: Count = 1
    editable: bool = False
    masked: bool = False
    control: Count | None = None


class Clip(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A piece of what was copied, pasted or dragged, by media type. Of what was not kept, `skipped` says why."""

    type: Short
    text: str | None = None
    blob: Digest | None = None
    size: Size = 0
    skipped: Short = ""


class FileChosen(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that a page was given. Of content that was not kept, `skipped` says why."""

    name: Short
    type: Short
    size: Size
    blob: Digest | None = None
    skipped: Short = ""


class PageEvent(Event, frozen=True, kw_only=True, omit_defaults=True, tag="page.event"):
    """An event as the document's first listener saw it. `type` is the DOM's name; `trusted`: the browser made it, not
    a script. `target` and `state` are numbers of this document's; state: what was settled when it came, null if the
    page was changing. `modifiers`: 1 alt, 2 control, 4 meta, 8 shift. `offset` is from the target's upper left corner.

    `text` is what an input or composition event brings, `value` what the control holds after it, `selected` the values
    chosen in a list; `scroll` the position of what scrolled. `masked`: the page's capture withheld key, text and value;
    one character stands for each that was typed.
    """

    tab: Count
    frame: Count
    doc: Count
    seq: Count
    type: Annotated[str, Meta(max_length=64)]
    trusted: bool
    target: Count | None = None
    state: Count | None = None
    x: Pixels | None = None
    y: Pixels | None = None
    offset: tuple[Pixels, Pixels] | None = None
    button: Annotated[int, Meta(ge=-1, le=31)] | None = None
    buttons: Count = 0
    detail: Count = 0
    pointer: Annotated[str, Meta(max_length=16)] = ""
    modifiers: Annotated[int, Meta(ge=0, le=15)] = 0
    dx: Pixels = 0
    dy: Pixels = 0
    key: Short | None = None
    code: Short | None = None
    location: Annotated[int, Meta(ge=0, le=3)] = 0
    repeat: bool = False
    composing: bool = False
    input_type: Annotated[str, Meta(max_length=64)] = ""
    text: str | None = None
    value: str | None = None
    checked: bool | None = None
    selected: list[Short] | None = None
    selection: tuple[Count, Count] | None = None
    scroll: tuple[Pixels, Pixels] | None = None
    size: tuple[Pixels, Pixels] | None = None
    clips: list[Clip] = []
    files: list[FileChosen] = []
    masked: bool = False


class PageState(Event, frozen=True, kw_only=True, omit_defaults=True, tag="page.state"):
    """What a document was at a quiet moment: `dom` is a hash of its content and form values (see `browser_ext`),
    `aria` the blob of its accessibility snapshot, null where it is as in the state before. `settled`: nothing was being
    loaded or changed. `focus` is the number of the target that has the focus."""

    tab: Count
    frame: Count
    doc: Count
    seq: Count
    n: Count
    url: Url
    title: str
    dom: Annotated[str, Meta(max_length=64)]
    aria: Digest | None = None
    settled: bool = False
    focus: Count | None = None
    scroll: tuple[Pixels, Pixels] | None = None
    nodes: Count = 0


class Screenshot(Event, frozen=True, kw_only=True, tag="page.screenshot"):
    """What the tab looked like, `width` by `height` device pixels. `type` is the blob's media type."""

    tab: Count
    blob: Digest
    type: Short
    width: Count
    height: Count
    reason: Short


class DialogAnswered(Event, frozen=True, kw_only=True, omit_defaults=True, tag="page.dialog"):
    """A page asked by alert, confirm, prompt or beforeunload, from `asked` ns after the session's start until `t`."""

    tab: Count
    frame: Count
    doc: Count
    seq: Count
    type: Literal["alert", "confirm", "prompt", "beforeunload"]
    message: str
    asked: Annotated[int, Meta(ge=0, lt=2**62)]
    accepted: bool
    answer: str | None = None


class Downloaded(Event, frozen=True, kw_only=True, omit_defaults=True, tag="page.download"):
    """A download ended. Of content that was not kept, `skipped` says why."""

    tab: Count | None
    url: Url
    name: Short
    complete: bool
    size: Size
    type: Short = ""
    blob: Digest | None = None
    skipped: Short = ""


class PageRequest(Event, frozen=True, kw_only=True, omit_defaults=True, tag="page.request"):
    """A document of `frame` asked for `url`: the n-th request that the browser told of. `type` is what for: main_frame,
    sub_frame, script, xmlhttprequest, websocket … `initiator` is the origin that asked; `ended` whether it is this
    request's end (`status` null where it failed, `error` says why). `tab` null: no tab's, a service worker's for
    example."""

    n: Count
    tab: Count | None
    frame: Count | None
    method: Annotated[str, Meta(max_length=32)]
    url: Url
    type: Annotated[str, Meta(max_length=32)]
    initiator: Url = ""
    ended: bool = False
    status: Count | None = None
    error: Short = ""
    cached: bool = False


class ClockRead(Event, frozen=True, kw_only=True, omit_defaults=True, tag="page.clock"):
    """What a document's scripts read of the clock, in order, each kind by itself. date: `Date`, Unix ms; the others
    count ms from `base`, the document's time origin (Unix ms): now: `performance.now`; event: an event's `timeStamp`,
    once each; frame: what callbacks of an animation frame were given, and drawn: when they were called.

    `by` is the source of the tasks that read: a script as it was evaluated, timers, callbacks of animation frames, and
    task for all others; each source has its own order (empty: they are in one).

    `first` counts the `values` of this kind and source before these; `times` is how often in a row each was read,
    empty: once.
    """

    tab: Count
    frame: Count
    doc: Count
    seq: Count
    read: Literal["date", "now", "event", "frame", "drawn"]
    first: Count
    base: Millis
    values: Annotated[list[Millis], Meta(max_length=10_000)]
    times: Annotated[list[Count], Meta(max_length=10_000)] = []
    by: Literal["", "script", "timer", "frame", "task"] = ""
