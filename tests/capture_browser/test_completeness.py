"""Nothing that a person does is missing: every kind of event in every kind of frame and of shadow tree, held against
what the pages' own listeners saw."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from channel_ends import Recorder
from playwright.sync_api import CDPSession, Frame, Page
from site_of_pages import Site

from recorder.trace.event import Event
from recorder.trace.events import Gap
from recorder.trace.pages import DocumentStarted, FrameSeen, PageEvent, PageTarget

pytestmark = pytest.mark.slow

CONTROLS = (Path(__file__).parent / "pages" / "controls.js").read_text()
PLACES = ("light", "open", "closed", "nested", "declared")
KINDS = {
    "pointerdown", "pointerup", "mousedown", "mouseup", "click", "dblclick", "contextmenu", "auxclick", "wheel",
    "keydown", "keyup", "beforeinput", "input", "change", "focus", "blur", "select", "copy", "cut", "paste",
    "dragstart", "dragenter", "drop", "dragend", "compositionstart", "compositionupdate", "compositionend", "reset",
}  # fmt: skip
WHOLE = ("top", "other")
"""The frames in which every tree is tried."""
FRAMES = (
    "same", "other", "srcdoc", "blank", "blob", "data", "sandboxed", "restricted", "script", "nested", "rewritten",
)  # fmt: skip


@pytest.fixture
def frames(page: Page, site: Site) -> dict[str, Frame]:
    """A page with a frame of every kind, by name; the page itself is `top`."""
    inline = f"<meta charset=utf-8><body><script>{CONTROLS}</script>"
    linked = '<meta charset="utf-8"><body><script src="/controls.js"></script>'
    site.pages["/controls.js"] = CONTROLS.encode()
    site.show(linked, "/inner")
    site.show(linked, "/restricted")
    site.headers["/restricted"] = {"Content-Security-Policy": "sandbox allow-scripts"}
    site.show(f'<body><iframe name=nested src="{site.url("/inner", "third.test")}"></iframe>', "/outer")
    later = linked.replace("</script>", "<\\/script>")
    site.show(
        "<body>before<script>setTimeout(() => {"
        f"document.open(); document.write('{later}'); document.close()}})</script>",
        "/rewritten",
    )
    style = "width:700px;height:520px;border:0;display:block"
    sources = {
        "same": "src=/inner",
        "other": f'src="{site.url("/inner", "other.test")}"',
        "srcdoc": f'srcdoc="{html.escape(inline)}"',
        "blank": "",
        "blob": "",
        "data": f'src="data:text/html,{html.escape(inline.replace("%", "%25").replace("#", "%23"))}"',
        "sandboxed": 'src=/inner sandbox="allow-scripts"',
        "restricted": "src=/restricted",
        "script": "",
        "outer": f'src="{site.url("/outer", "other.test")}"',
        "rewritten": "src=/rewritten",
    }
    tags = "".join(
        f'<iframe name={name} style="{style}" {source}></iframe>' for name, source in sources.items()
    )
    filled = """<script>
      const made = (name) => document.querySelector(`[name=${name}]`);
      const script = made("blank").contentDocument.createElement("script");
      script.src = "/controls.js";
      made("blank").contentDocument.body.append(script);
      made("blob").src = URL.createObjectURL(new Blob([made("srcdoc").srcdoc], {type: "text/html"}));
      made("script").src = `javascript:'<body><script src="/controls.js"></scr'+'ipt>'`;
    </script>"""
    page.set_viewport_size({"width": 800, "height": 600})
    page.goto(site.show(f"{linked}{tags}{filled}"))
    found = {frame.name: frame for frame in page.frames if frame.name in FRAMES}
    found["top"] = page.main_frame
    for frame in found.values():
        frame.wait_for_function("typeof spots === 'function' && 'text-declared' in spots()")
    return found


def act(page: Page, cdp: CDPSession, frame: Frame, place: str) -> None:
    """What a person can do with the controls of one tree."""

    box = {"x": 0.0, "y": 0.0}
    if frame.parent_frame:
        box = frame.frame_element().bounding_box() or box
    places = frame.evaluate("spots()")

    def at(name: str) -> tuple[float, float]:
        x, y = places[f"{name}-{place}"]
        return box["x"] + x, box["y"] + y

    mouse, keys = page.mouse, page.keyboard
    mouse.click(*at("button"))
    mouse.dblclick(*at("button"))
    mouse.click(*at("button"), button="right")
    mouse.click(*at("button"), button="middle")
    mouse.click(*at("text"))
    keys.type("ab")
    keys.press("Control+A")
    for key in ("Control+C", "Control+X", "Control+V"):
        keys.press(key)
    cdp.send("Input.imeSetComposition", {"text": "に", "selectionStart": 1, "selectionEnd": 1})
    cdp.send("Input.insertText", {"text": "日"})
    mouse.click(*at("check"))
    keys.press("Tab")
    keys.press("ArrowDown")  # in the list
    mouse.click(*at("edit"))
    keys.type("x")
    mouse.click(*at("reset"))
    mouse.move(*at("scroller"))
    mouse.wheel(0, 40)
    mouse.move(*at("drag"))
    mouse.down()
    x, y = at("drop")
    mouse.move(x, y, steps=3)
    mouse.up()


def told(events: Iterable[Event]) -> dict[str, Counter[str]]:
    """By frame, how often each type of event was recorded at each element that has an id."""
    events = list(events)
    names = {event.frame: event.name for event in events if isinstance(event, FrameSeen)}
    docs = {
        event.doc: names.get(event.frame) or "top" for event in events if isinstance(event, DocumentStarted)
    }
    ids = {(event.doc, event.n): event.id for event in events if isinstance(event, PageTarget)}
    found: dict[str, Counter[str]] = {}
    for event in events:
        if isinstance(event, PageEvent) and (at := ids.get((event.doc, event.target or 0))):
            found.setdefault(docs[event.doc], Counter())[f"{event.type} {at}"] += 1
    return found


def test_every_event_in_every_frame_and_tree(
    frames: dict[str, Frame], page: Page, recorder: Recorder
) -> None:
    cdp = page.context.new_cdp_session(page)
    for name, frame in frames.items():
        if frame.parent_frame:
            frame.frame_element().scroll_into_view_if_needed()
        for place in PLACES if name in WHOLE else ("light", "closed"):
            act(page, cdp, frame, place)
    expected = {name: Counter(frame.evaluate("seen")) for name, frame in frames.items()}
    for name, seen in expected.items():
        if name == "nested":
            continue  # scrolled to, it is not always hit there at once: what it saw is held against what was told
        assert {kind.partition(" ")[0] for kind in seen} >= KINDS, name

    def missing(recorder: Recorder) -> dict[str, Counter[str]]:
        found = told(recorder.events)
        return {name: less for name, seen in expected.items() if (less := seen - found.get(name, Counter()))}

    try:
        recorder.wait(lambda r: not missing(r))
    except AssertionError:
        assert missing(recorder) == {}
    found = told(recorder.events)
    since = {
        name: Counter(frame.evaluate("seen")) for name, frame in frames.items()
    }  # what came late counts, too
    more = {(name, kind) for name, seen in since.items() for kind in found[name] - seen}
    assert {(name, kind) for name, kind in more if kind.partition(" ")[0] in KINDS} == set()
    assert not recorder.faults
    assert not recorder.of(Gap)
