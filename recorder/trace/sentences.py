"""Gestures as sentences that a person reads: click button “Save” in row “Invoice 17”. Pure."""

from __future__ import annotations

from recorder.trace.gestures import Gesture
from recorder.trace.pages import PageTarget
from recorder.trace.printable import printable

_MOST = 80
_LONGEST_NAME = 60
_NOUNS = {
    "a": "link", "button": "button", "select": "list", "textarea": "field", "img": "image", "option": "option",
    "html": "page", "body": "page", "iframe": "frame", "canvas": "canvas", "video": "video", "svg": "image",
}  # fmt: skip
_ROLES = {
    "textbox": "field", "searchbox": "field", "spinbutton": "field", "combobox": "list", "listbox": "list",
    "img": "image", "menuitem": "menu item", "menuitemcheckbox": "menu item", "menuitemradio": "menu item",
    "gridcell": "cell", "treeitem": "tree item", "radio": "radio button", "generic": "", "none": "", "presentation": "",
    "paragraph": "text", "document": "page",
}  # fmt: skip
_MODIFIERS = (("Control", 2), ("Alt", 1), ("Shift", 8), ("Meta", 4))
_BUTTONS = {1: "middle-"}


def sentence(gesture: Gesture) -> str:
    """One line, printable whatever a page called its elements."""
    frames = "".join(f" in frame {quoted(name)}" for name in reversed(gesture.frames))
    return _said(gesture) + (frames if gesture.target else "")


def _said(gesture: Gesture) -> str:
    what = described(gesture.target) if gesture.target else "page"
    value = _typed(gesture.value or "")
    files = ", ".join(quoted(file.name) for file in gesture.files)
    held = "".join(f"{name}+" for name, bit in _MODIFIERS if gesture.modifiers & bit)
    match gesture.verb:
        case "click":
            return f"{held}{_BUTTONS.get(gesture.button, '')}click {what}"
        case "double_click" | "right_click":
            return f"{held}{gesture.verb.replace('_', '-')} {what}"
        case "hover":
            return f"hover over {what}"
        case "fill":
            return f"fill {what} with {value}" if gesture.value else f"clear {what}"
        case "type":
            return f"type {value} into {what}"
        case "press":
            where = f" in {what}" if gesture.target and gesture.target.tag not in ("body", "html") else ""
            return f"press {_clean(gesture.value or 'a key')}{where}"
        case "select":
            return f"select {value if gesture.value else 'nothing'} in {what}"
        case "check" | "uncheck":
            return f"{gesture.verb} {what}"
        case "upload":
            return f"upload {files or 'no file'} to {what}"
        case "drag":
            onto = described(gesture.onto) if gesture.onto else "page"
            if gesture.target is None:
                return f"drop from outside onto {onto}"
            return f"{held}drag {what}" + (f" to {onto}" if gesture.onto != gesture.target else "")
        case "scroll":
            return f"scroll {_way(gesture.value)}{what}"
        case "navigate":
            return f"go to {_clean(gesture.value or '', 200)}"
        case "back" | "forward":
            return f"go {gesture.verb}"
        case "reload":
            return "reload"
        case "new_tab":
            return f"open tab {gesture.tab}"
        case "close_tab":
            return f"close tab {gesture.tab}"
        case "switch_tab":
            return f"switch to tab {gesture.tab}"
        case "dialog":
            return _dialog(gesture)
        case "download":
            return f"download {', '.join(quoted(one.name) for one in gesture.downloads)}"
        case "copy" | "cut":
            return f"{gesture.verb} {value if gesture.value else 'what is selected'} from {what}"
        case "paste":
            return f"paste {value if gesture.value else files or 'something'} into {what}"
        case "resize":
            width, height = gesture.size or (0, 0)
            return f"resize window to {width:g} × {height:g}"


def described(target: PageTarget) -> str:
    """What a person calls the element: its role and name, and what tells it from others of its kind."""
    role = target.role or ("field" if target.editable else "")
    if role == "combobox" and target.editable:
        role = "textbox"
    noun = _ROLES.get(role, role) or _NOUNS.get(target.tag, "") or target.tag
    noun = _clean(noun)
    if noun == "page" and not target.name:
        return noun
    name = _name(target)
    words = [noun, quoted(name)] if name else [noun]
    near = dict(reversed(target.anchors))
    kind = next((kind for kind in ("row", "item") if kind in near and near[kind] != name), None)
    if kind:
        words.append(f"in {kind} {quoted(near[kind])}")
    if "column" in near and noun in ("cell", "field") and not target.name:
        words.append(f"under {quoted(near['column'])}")
    if target.alike > 1 and not kind:
        heading = near.get("heading", "")
        if heading and heading != name:
            words.append(f"under {quoted(heading)}")
        if not (heading and target.editable):
            words.append(f"({target.ordinal + 1} of {target.alike})")
    return " ".join(words)


def _name(target: PageTarget) -> str:
    """What it is called; what it holds is no name, nor is all that stands in a large part of a page."""
    name, text = target.name, target.text
    if target.editable and target.tag not in ("input", "textarea"):
        name, text = ("" if text.startswith(name) else name), ""
    elif not target.role:
        name, text = (one if len(one) <= _LONGEST_NAME else "" for one in (name, text))
    names = (name, target.label, target.placeholder, text, target.test_id, target.id)
    return next((one for one in names if one), "")


def quoted(text: str) -> str:
    """`text` as one short line in quotes that it cannot close."""
    return _in_quotes(_clean(text))


def _typed(text: str) -> str:
    """The same of what was entered: each space counts."""
    return _in_quotes(printable(" ⏎ ".join(_shortened(text, _MOST).split("\n"))))


def _in_quotes(text: str) -> str:
    return "“" + text.replace("“", '"').replace("”", '"') + "”"


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _clean(text: str, most: int = _MOST) -> str:
    return printable(_shortened(" ".join(text[: 4 * most].split()), most))


def _way(value: str | None) -> str:
    """`value`: pixels to the right and down, as a wheel told them."""
    try:
        dx, dy = (float(part) for part in (value or "0,0").split(","))
    except ValueError:
        return ""
    if dx or dy:
        way = ("down" if dy > 0 else "up") if abs(dy) >= abs(dx) else ("right" if dx > 0 else "left")
        return f"{way} in "
    return ""


def _dialog(gesture: Gesture) -> str:
    dialog = gesture.dialogs[0]
    if dialog.type == "alert":
        return f"close alert {quoted(dialog.message)}"
    if dialog.type == "beforeunload":
        return f"{'leave' if dialog.accepted else 'stay on'} the page"
    if dialog.accepted and dialog.answer is not None:
        return f"answer {quoted(dialog.message)} with {quoted(dialog.answer)}"
    return f"{'accept' if dialog.accepted else 'dismiss'} {quoted(dialog.message)}"
