"""What a person did in a browser, gesture by gesture, derived from the raw log of its pages. Pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from recorder.trace.pages import Clip, DialogAnswered, Downloaded, FileChosen, PageState, PageTarget

Verb = Literal[
    "click", "double_click", "right_click", "hover", "fill", "type", "press", "select", "check", "uncheck", "upload",
    "drag", "scroll", "navigate", "back", "forward", "reload", "new_tab", "close_tab", "switch_tab", "dialog",
    "download", "copy", "cut", "paste", "resize",
]  # fmt: skip


class Gesture(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that a person did to a page or to the browser, from `t_start` to `t_end` (ns of the session).

    `target` is what it was done to, null where that is the page or the tab itself; a drag ends on `onto`. `frame` is
    the target's, null where the browser's own buttons were used. `value` is the text that a field holds after a fill,
    the text typed, copied or pasted, the URL gone to, or the keys of a press, such as `Control+Shift+K`; `values` are
    the options selected. `masked`: one character stands for each of `value`. `modifiers` are those of PageEvent, held
    while clicking or dragging; `button` is the mouse's: 0 main, 1 middle, 2 secondary. `offset` is from the upper left
    corner of the target, `onto_offset` from that of `onto`; `scroll` is where what was scrolled came to stand, `size`
    what a window was resized to (CSS pixels).

    Its raw events are those of document `doc` from `first` to `last` (null: it had none). `before` and `after` are
    the states of that document around it, where they are known; what a navigation shows is its own document's. What
    came of it until the next gesture: `dialogs` that were answered, `downloads`, the tabs that it `opened`, and the
    numbers of the `requests` (PageRequest) that it caused.
    """

    verb: Verb
    tab: int
    t_start: int
    t_end: int
    frame: int | None = None
    target: PageTarget | None = None
    onto: PageTarget | None = None
    value: str | None = None
    values: tuple[str, ...] = ()
    masked: bool = False
    modifiers: int = 0
    button: int = 0
    offset: tuple[float, float] | None = None
    onto_offset: tuple[float, float] | None = None
    scroll: tuple[float, float] | None = None
    size: tuple[float, float] | None = None
    clips: tuple[Clip, ...] = ()
    files: tuple[FileChosen, ...] = ()
    doc: int | None = None
    first: int | None = None
    last: int | None = None
    before: PageState | None = None
    after: PageState | None = None
    dialogs: tuple[DialogAnswered, ...] = ()
    downloads: tuple[Downloaded, ...] = ()
    opened: tuple[int, ...] = ()
    requests: tuple[int, ...] = ()
