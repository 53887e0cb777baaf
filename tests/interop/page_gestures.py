"""One recorded gesture of each kind, and what it is in every format: the table that holds the exports together."""

from __future__ import annotations

from typing import Any, NamedTuple

from recorder.trace.gestures import Gesture
from recorder.trace.pages import (
    Clip,
    DialogAnswered,
    Downloaded,
    FileChosen,
    FrameSeen,
    PageTarget,
    TabOpened,
)

PLACE: dict[str, Any] = {"source": "browser/1", "tab": 1, "frame": 1, "doc": 1}
FRAMES = [
    TabOpened(t=0, source="browser/1", tab=1, opener=None, popup=False),
    FrameSeen(t=0, source="browser/1", frame=1, tab=1, parent=None, index=None, name=""),
    FrameSeen(t=0, source="browser/1", frame=2, tab=1, parent=1, index=1, name="pay"),
    FrameSeen(t=0, source="browser/1", frame=3, tab=1, parent=2, index=0, name=""),
]


def target(tag: str, **fields: Any) -> PageTarget:
    place = PLACE | {"frame": fields.pop("frame", 1)}
    return PageTarget(t=0, seq=1, n=1, tag=tag, **place, **fields)


def gesture(verb: Any, on: PageTarget | None = None, at: int = 10, **fields: Any) -> Gesture:
    frame = on.frame if on else None
    return Gesture(verb=verb, tab=1, t_start=at, t_end=at + 10, frame=frame, target=on, **fields)


SAVE = target("button", role="button", name="Save", text="Save", css="main > button", rect=(10, 20, 80, 30))
DELETE = target(
    "button", role="button", name="Delete", text="Delete", alike=30, ordinal=16, css="tr:nth-child(17) > td > button",
    xpath="/html/body/table/tr[17]/td[2]/button", anchors=[("row", "Invoice 17"), ("heading", "Invoices")],
    rect=(0, 0, 40, 20),
)  # fmt: skip
NAME = target("input", type="text", role="textbox", name="Name", css="#name", editable=True)
SIZE = target("select", role="combobox", name="Size", css="select")
AGREE = target("input", type="checkbox", role="checkbox", name="I agree", css="#agree")
FILE = target("input", type="file", css="#file", label="Invoice")
CARD = target("li", role="listitem", text="Write tests", css="#todo > li:nth-child(2)", rect=(0, 0, 100, 40))
DONE = target("ul", role="list", name="Done", css="#done")
LIST = target("div", css="div.list")
CANVAS = target("canvas", css="#c", rect=(0, 0, 300, 200))
PAN = target("input", type="text", role="textbox", name="Card number", css="#pan", editable=True, frame=3)
CLOSED = target("button", role="button", name="Buy", closed=True, rect=(100, 50, 40, 20))
IN_SHADOW = target("button", role="button", css="button.x", shadow=["my-app", "my-bar"])
DIALOG = DialogAnswered(
    t=15, seq=2, type="prompt", message="Sure?\nReally", asked=12, accepted=True, answer='"yes"', **PLACE
)
DOWNLOAD = Downloaded(t=16, source="browser/1", tab=1, url="http://a/x", name="a.csv", complete=True, size=3)
FIRST = 'page.get_by_role("button", name="Save", exact=True)'


class Case(NamedTuple):
    """What a gesture is: lines of the script, without its comment; steps of DevTools' recording; and of Playwright's
    trace the class and method of the action with what stands in its parameters."""

    gesture: Gesture
    script: list[str]
    devtools: list[dict[str, Any]]
    trace: tuple[str, dict[str, Any]]


def _at(*selectors: list[str]) -> dict[str, Any]:
    return {"target": "main", "selectors": list(selectors)}


_SAVED = _at(['aria/Save[role="button"]'], ["main > button"], ["text/Save"])
_NAMED = _at(['aria/Name[role="textbox"]'], ["#name"])
_MOUSE = {"deviceType": "mouse", "button": "primary"}
_ROW = (
    'xpath///*[self::tr or @role="row"][.//*[normalize-space()="Invoice 17"]]'
    '//button[normalize-space()="Delete"]'
)
_BUTTON = 'internal:role=button[name="Save"s]'
_BOX = 'internal:role=textbox[name="Name"s]'


def _keys(*keys: str) -> list[dict[str, Any]]:
    return [
        *({"type": "keyDown", "target": "main", "key": key} for key in keys),
        *({"type": "keyUp", "target": "main", "key": key} for key in reversed(keys)),
    ]


def _custom(name: str, **parameters: Any) -> dict[str, Any]:
    return {"type": "customStep", "target": "main", "name": f"reenact.{name}", "parameters": parameters}


CASES: dict[str, Case] = {
    "click": Case(
        gesture("click", SAVE, offset=(3, 4), modifiers=10),
        [f'{FIRST}.click(modifiers=["Control", "Shift"])'],
        [
            *_keys("Control", "Shift")[:2],
            {"type": "click", **_SAVED, "offsetX": 3, "offsetY": 4, **_MOUSE},
            *_keys("Control", "Shift")[2:],
        ],
        ("Frame.click", {"selector": _BUTTON, "modifiers": ["Control", "Shift"]}),
    ),
    "double_click": Case(
        gesture("double_click", CANVAS, offset=(30, 40)),
        ['page.locator("#c").dblclick(position={"x": 30, "y": 40})'],
        [{"type": "doubleClick", **_at(["#c"]), "offsetX": 30, "offsetY": 40, **_MOUSE}],
        ("Frame.dblclick", {"selector": "#c", "position": {"x": 30, "y": 40}}),
    ),
    "right_click": Case(
        gesture("right_click", SAVE),
        [f'{FIRST}.click(button="right")'],
        [{"type": "click", **_SAVED, "offsetX": 40, "offsetY": 15, **_MOUSE | {"button": "secondary"}}],
        ("Frame.click", {"selector": _BUTTON, "button": "right"}),
    ),
    "hover": Case(
        gesture("hover", SAVE),
        [f"{FIRST}.hover()"],
        [{"type": "hover", **_SAVED}],
        ("Frame.hover", {"selector": _BUTTON}),
    ),
    "fill": Case(
        gesture("fill", NAME, value='Ann "A"\n'),
        ["""page.get_by_role("textbox", name="Name", exact=True).fill('Ann "A"\\n')"""],
        [{"type": "change", **_NAMED, "value": 'Ann "A"\n'}],
        ("Frame.fill", {"selector": _BOX, "value": 'Ann "A"\n'}),
    ),
    "type": Case(
        gesture("type", value="hi"),
        ['page.keyboard.type("hi")'],
        [*_keys("h"), *_keys("i")],
        ("Page.keyboardType", {"text": "hi"}),
    ),
    "press": Case(
        gesture("press", NAME, value="Control+Enter"),
        ['page.get_by_role("textbox", name="Name", exact=True).press("Control+Enter")'],
        _keys("Control", "Enter"),
        ("Frame.press", {"selector": _BOX, "key": "Control+Enter"}),
    ),
    "select": Case(
        gesture("select", SIZE, values=("large",)),
        ['page.get_by_role("combobox", name="Size", exact=True).select_option("large")'],
        [{"type": "change", **_at(['aria/Size[role="combobox"]'], ["select"]), "value": "large"}],
        ("Frame.selectOption", {"options": [{"valueOrLabel": "large"}]}),
    ),
    "check": Case(
        gesture("check", AGREE, offset=(5, 5)),
        ['page.get_by_role("checkbox", name="I agree", exact=True).check()'],
        [
            {
                "type": "click",
                **_at(['aria/I agree[role="checkbox"]'], ["#agree"]),
                "offsetX": 5,
                "offsetY": 5,
                **_MOUSE,
            }
        ],
        ("Frame.check", {"selector": 'internal:role=checkbox[name="I agree"s]'}),
    ),
    "uncheck": Case(
        gesture("uncheck", AGREE, offset=(5, 5)),
        ['page.get_by_role("checkbox", name="I agree", exact=True).uncheck()'],
        [
            {
                "type": "click",
                **_at(['aria/I agree[role="checkbox"]'], ["#agree"]),
                "offsetX": 5,
                "offsetY": 5,
                **_MOUSE,
            }
        ],
        ("Frame.uncheck", {}),
    ),
    "upload": Case(
        gesture(
            "upload",
            FILE,
            files=(FileChosen(name="../a b.txt", type="text/plain", size=3, blob="ab" * 32),),
        ),
        ['page.locator("#file").set_input_files(FILES / "1-1/a b.txt")'],
        [_custom("upload", text="upload", files=["../a b.txt"], selectors=[["#file"]])],
        ("Frame.setInputFiles", {"localPaths": ["../a b.txt"]}),
    ),
    "drag": Case(
        gesture("drag", CARD, onto=DONE, offset=(5, 6), onto_offset=(7, 8)),
        [
            ('page.locator("#todo > li:nth-child(2)").filter(has_text=re.compile("Write\\\\s*tests")).drag_to('
            'page.get_by_role("list", name="Done", exact=True), '
            'source_position={"x": 5, "y": 6}, target_position={"x": 7, "y": 8})')
        ],
        [
            _custom(
                "drag",
                text="drag",
                onto=[['aria/Done[role="list"]'], ["#done"]],
                selectors=[["#todo > li:nth-child(2)"]],
            )
        ],
        ("Frame.dragAndDrop", {"target": 'internal:role=list[name="Done"s]'}),
    ),
    "scroll": Case(
        gesture("scroll", LIST, scroll=(0, 400)),
        ['page.locator("div.list").evaluate("(element, [x, y]) => element.scrollTo(x, y)", [0, 400])'],
        [{"type": "scroll", **_at(["div.list"]), "x": 0, "y": 400}],
        ("Frame.evaluateExpression", {"selector": "div.list", "arg": [0, 400]}),
    ),
    "navigate": Case(
        gesture("navigate", value="https://shop.example/a?b=1"),
        ['page.goto(ORIGIN + "/a?b=1")'],
        [{"type": "navigate", "target": "main", "url": "https://shop.example/a?b=1"}],
        ("Frame.goto", {"url": "https://shop.example/a?b=1"}),
    ),
    "back": Case(
        gesture("back", value="https://shop.example/"),
        ["page.go_back()"],
        [{"type": "navigate", "target": "main", "url": "https://shop.example/"}],
        ("Page.goBack", {}),
    ),
    "forward": Case(
        gesture("forward", value="https://shop.example/"),
        ["page.go_forward()"],
        [{"type": "navigate", "target": "main", "url": "https://shop.example/"}],
        ("Page.goForward", {}),
    ),
    "reload": Case(
        gesture("reload", value="https://shop.example/"),
        ["page.reload()"],
        [{"type": "navigate", "target": "main", "url": "https://shop.example/"}],
        ("Page.reload", {}),
    ),
    "new_tab": Case(
        gesture("new_tab"),
        ["page = page.context.new_page()"],
        [_custom("new_tab", text="new_tab")],
        ("BrowserContext.newPage", {}),
    ),
    "close_tab": Case(
        gesture("close_tab"),
        ["page.close()"],
        [{"type": "close", "target": "main"}],
        ("Page.close", {}),
    ),
    "switch_tab": Case(
        gesture("switch_tab"),
        ["page.bring_to_front()"],
        [],
        ("Page.bringToFront", {}),
    ),
    "dialog": Case(
        gesture("dialog", dialogs=(DIALOG,)),
        [f"# {DIALOG.type}: Sure?␊Really", """answer(page, '"yes"')""", f"{FIRST}.click()"],
        [{"type": "click", **_SAVED, "offsetX": 40, "offsetY": 15, **_MOUSE}],
        ("Frame.click", {}),
    ),
    "download": Case(
        gesture("download", downloads=(DOWNLOAD,)),
        [
            "with page.expect_download() as download:",
            f"    {FIRST}.click()",
            'assert download.value.suggested_filename == "a.csv"',
        ],
        [{"type": "click", **_SAVED, "offsetX": 40, "offsetY": 15, **_MOUSE}],
        ("Frame.click", {}),
    ),
    "copy": Case(
        gesture("copy", NAME, value="Ann"),
        ['page.get_by_role("textbox", name="Name", exact=True).press("ControlOrMeta+C")'],
        _keys("Control", "c"),
        ("Frame.press", {"key": "ControlOrMeta+C"}),
    ),
    "cut": Case(
        gesture("cut", NAME, value="Ann"),
        ['page.get_by_role("textbox", name="Name", exact=True).press("ControlOrMeta+X")'],
        _keys("Control", "x"),
        ("Frame.press", {"key": "ControlOrMeta+X"}),
    ),
    "paste": Case(
        gesture("paste", NAME, value="Ann", clips=(Clip(type="text/plain", text="Ann", size=3),)),
        [
            'page.get_by_role("textbox", name="Name", exact=True).focus()',
            'page.keyboard.insert_text("Ann")',
        ],
        _keys("Control", "v"),
        ("Frame.press", {"key": "ControlOrMeta+V"}),
    ),
    "resize": Case(
        gesture("resize", size=(800, 600)),
        ['page.set_viewport_size({"width": 800, "height": 600})'],
        [
            {
                "type": "setViewport", "target": "main", "width": 800, "height": 600, "deviceScaleFactor": 1,
                "isMobile": False, "hasTouch": False, "isLandscape": False,
            }
        ],
        ("Page.setViewportSize", {"viewportSize": {"width": 800, "height": 600}}),
    ),
}  # fmt: skip
"""By verb. A dialog and a download are what came of the click before them."""

ROW_XPATH = _ROW
