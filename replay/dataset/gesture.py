"""A browser's gesture as the arguments of a call. Pure."""

from __future__ import annotations

from recorder.trace.gestures import Gesture
from recorder.trace.pages import PageTarget
from replay.dataset.row import Browser, Element


def browser(gesture: Gesture, sentence: str) -> Browser:
    """The gesture as a call's arguments; `sentence` is what people read of it."""
    return Browser(
        action=gesture.verb,
        description=sentence,
        tab=gesture.tab,
        element=_element(gesture.target, gesture.frames),
        onto=_element(gesture.onto, gesture.frames),
        value=gesture.value,
        values=gesture.values,
        files=tuple(file.name for file in gesture.files),
    )


def _element(target: PageTarget | None, frames: tuple[str, ...]) -> Element | None:
    if target is None:
        return None
    return Element(
        role=target.role,
        name=target.name,
        tag=target.tag,
        label=target.label,
        placeholder=target.placeholder,
        text=target.text,
        test_id=target.test_id,
        near=dict(reversed(target.anchors)),
        css=target.css,
        xpath=target.xpath,
        shadow=tuple(target.shadow),
        frames=frames,
        rect=target.rect,
    )
