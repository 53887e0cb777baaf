"""How a generated script of Playwright does one action: its lines of Python. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from recorder.trace.pages import PageTarget
from recorder.trace.printable import printable
from replay.export.actions import Action
from replay.export.locators import python, quoted
from replay.export.losses import Losses
from replay.export.script_names import Names

_MODIFIERS = ((2, "Control"), (1, "Alt"), (4, "Meta"), (8, "Shift"))
_BUTTONS = {1: "middle", 2: "right"}
_ANY_FILE = ".locator(\"input[type='file']\")"
_DRAWN = ("canvas", "svg", "video", "img", "map", "body", "html")
_SLID = ("slider", "scrollbar", "spinbutton", "meter")
_LARGE = 40_000
"""Square pixels of what is clicked somewhere, rather than on."""


class Calls:
    """Takes actions in their order."""

    def __init__(self, names: Names, losses: Losses) -> None:
        self._names = names
        self._losses = losses
        self._clipboard: str | None = None

    def lines(self, action: Action) -> list[str]:
        """The lines that do the action, and wait for what it opens and downloads."""
        gesture = action.gesture
        page = self._names.page(gesture.tab)
        if action.own:
            return [f"# left out: the page did it by itself, no {gesture.verb} was asked for"]
        before = self._answers(page, action) if action.dialogs else []
        opened = [tab for tab in action.opened if not self._names.knows(tab) and gesture.verb != "new_tab"]
        done = self._call(action, page)
        blocks: list[str] = []
        for count, download in enumerate(action.downloads):
            blocks.append(f"with {page}.expect_download() as download{count or ''}:")
            if not download.complete:
                self._lose("a download that did not come to its end: it is waited for all the same", action)
        blocks += [f"with {page}.expect_popup() as {self._names.page(tab)}_info:" for tab in opened]
        if blocks and all(line.startswith("#") for line in done):
            done = [*done, "pass"]
        told = [*before, *("    " * depth + block for depth, block in enumerate(blocks))]
        told += ["    " * len(blocks) + line for line in done]
        told += [f"{self._names.page(tab)} = {self._names.page(tab)}_info.value" for tab in opened]
        for count, download in enumerate(action.downloads):
            name = quoted(download.name)
            told.append(f"assert download{count or ''}.value.suggested_filename == {name}")
        return told

    def _call(self, action: Action, page: str) -> list[str]:
        """The lines that do the action; a comment alone where nothing can."""
        gesture, told = action.gesture, action.target
        if action.unreachable:
            return self._by_position(action, page)
        at = python(told, page) if told else ""
        if told and told.doubt:
            self._lose(f"what tells an element apart: {told.doubt}", action)
        match gesture.verb:
            case "click" | "double_click" | "right_click" | "hover":
                return self._pointed(action, at)
            case "check" | "uncheck":
                return self._checked(action, at, page)
            case "fill" | "type":
                return self._typed(action, at, page)
            case "press" | "copy" | "cut":
                return self._pressed(action, at, page)
            case "paste":
                return self._pasted(action, at, page)
            case "select":
                chosen = ", ".join(quoted(value) for value in gesture.values or (gesture.value or "",))
                one = len(gesture.values) <= 1
                return [f"{at}.select_option({chosen if one else f'[{chosen}]'})"]
            case "upload":
                return self._uploaded(action, at, page)
            case "drag":
                return self._dragged(action, at, page)
            case "scroll":
                return self._scrolled(action, at, page)
            case "navigate":
                return [f"{page}.goto({self._names.url(gesture.value or 'about:blank')})"]
            case "back" | "forward":
                return [f"{page}.go_{gesture.verb}()"]
            case "reload":
                return [f"{page}.reload()"]
            case "new_tab":
                made = self._names.page(next(iter(action.opened), gesture.tab))
                lines = [f"{made} = page.context.new_page()"]
                return [*lines, f"{made}.goto({self._names.url(gesture.value)})"] if gesture.value else lines
            case "close_tab":
                return [f"{page}.close(run_before_unload=True)" if action.dialogs else f"{page}.close()"]
            case "switch_tab":
                return [f"{page}.bring_to_front()"]
            case "resize":
                width, height = gesture.size or (1280, 720)
                return [f'{page}.set_viewport_size({{"width": {width:.0f}, "height": {height:.0f}}})']
            case "dialog" | "download":
                self._lose(f"a {gesture.verb} before any action", action)
                return [f"# left out: a {gesture.verb} before any action"]

    def _pointed(self, action: Action, at: str) -> list[str]:
        gesture = action.gesture
        if not at:
            self._lose(f"a {gesture.verb} on nothing that is known", action)
            return ["# left out: nothing is known of what it was done to"]
        if gesture.verb == "hover" and (action.guessed or (action.target and action.target.doubt)):
            self._names.uses.add("point")
            self._lose("what was pointed at: the script goes on where it is not there", action)
            return [f"point({at})"]
        options = []
        if gesture.verb == "right_click":
            options.append('button="right"')
        elif gesture.button in _BUTTONS:
            options.append(f'button="{_BUTTONS[gesture.button]}"')
        if gesture.verb != "hover" and action.clicks > 2:
            options.append(f"click_count={action.clicks}")
        if gesture.modifiers:
            held = ", ".join(f'"{name}"' for bit, name in _MODIFIERS if gesture.modifiers & bit)
            options.append(f"modifiers=[{held}]")
        if gesture.offset and _place_matters(action):
            options.append(_position("position", gesture.offset))
        call = {"double_click": "dblclick", "right_click": "click"}.get(gesture.verb, gesture.verb)
        call = "click" if action.clicks > 2 and call == "dblclick" else call
        return [f"{at}.{call}({', '.join(options)})"]

    def _checked(self, action: Action, at: str, page: str) -> list[str]:
        """A drawn checkbox covers its own, or stands in its place."""
        call, target, pressed = action.gesture.verb, action.gesture.target, action.pressed
        if not at or target is None or pressed is None or pressed.tag == "label":
            return [f"{at}.{call}()"] if at else self._pointed(action, at)
        if target.rect is not None and target.rect[2] * target.rect[3] > 1:
            return [f"{at}.{call}(force=True)"]
        if action.under is None:
            return [f"{at}.{call}()"]
        self._names.uses.add("expect")
        wanted = "to_be_checked" if call == "check" else "not_to_be_checked"
        return [f"{python(action.under, page)}.click()", f"expect({at}).{wanted}()"]

    def _typed(self, action: Action, at: str, page: str) -> list[str]:
        gesture = action.gesture
        value = quoted(gesture.value or "")
        if gesture.masked:
            value = self._names.secret(action)
            self._lose(f"a withheld text: set the environment variable {value}", action)
        after = [self._stroke(at, page, verb, keys) for verb, keys in action.pieces]
        if gesture.verb == "type" and after and not gesture.masked:
            return after
        if gesture.verb == "fill" and at:
            held = [f"{at}.fill({quoted(action.held)})"] if action.held else []
            return [*held, f"{at}.fill({value})", *after]
        return [f"{at}.press_sequentially({value})" if at else f"{page}.keyboard.type({value})"]

    @staticmethod
    def _stroke(at: str, page: str, verb: str, keys: str) -> str:
        if verb == "type":
            return (
                f"{at}.press_sequentially({quoted(keys)})" if at else f"{page}.keyboard.type({quoted(keys)})"
            )
        return f"{at}.press({quoted(keys)})" if at else f"{page}.keyboard.press({quoted(keys)})"

    def _pressed(self, action: Action, at: str, page: str) -> list[str]:
        keys = action.gesture.value or ""
        if action.gesture.verb in ("copy", "cut"):
            self._clipboard = keys
            keys = "ControlOrMeta+C" if action.gesture.verb == "copy" else "ControlOrMeta+X"
        elif len(keys) == 1 and not keys.isascii():  # no key of the keyboard that Playwright has
            return [f"{page}.keyboard.insert_text({quoted(keys)})"]
        return [f"{at}.press({quoted(keys)})" if at else f"{page}.keyboard.press({quoted(keys)})"]

    def _pasted(self, action: Action, at: str, page: str) -> list[str]:
        gesture = action.gesture
        text = gesture.value or next((clip.text for clip in gesture.clips if clip.text), "") or ""
        if text and text == self._clipboard:
            return [f'{at}.press("ControlOrMeta+V")' if at else f'{page}.keyboard.press("ControlOrMeta+V")']
        if any(not clip.type.startswith("text/plain") for clip in gesture.clips) and not text:
            self._lose("pasted content that is no text", action)
        self._lose("a paste from elsewhere: its text is inserted, no paste event is seen", action)
        return [*([f"{at}.focus()"] if at else []), f"{page}.keyboard.insert_text({quoted(text)})"]

    def _uploaded(self, action: Action, at: str, page: str) -> list[str]:
        names = []
        for index, file in enumerate(action.gesture.files, 1):
            if file.blob is None:
                what = f"a file that a page was given: the trace does not have it ({file.skipped})"
                self._lose(what, action)
            else:
                names.append(self._names.file(action, index, file, file.blob))
        told = ", ".join(names)
        chosen = told if len(action.gesture.files) == 1 and told else f"[{told}]"
        target = action.gesture.target
        if target is None or (target.tag == "input" and target.type == "file"):
            return [f"{at or page + _ANY_FILE}.set_input_files({chosen})"]
        return [
            f"with {page}.expect_file_chooser() as chooser:",
            f"    {at}.click()",
            f"chooser.value.set_files({chosen})",
        ]

    def _dragged(self, action: Action, at: str, page: str) -> list[str]:
        """Onto what it was let go over, where that is known for what it is; else by the way that it went."""
        gesture = action.gesture
        if not at:
            self._lose("a drag of nothing that is known", action)
            return ["# left out: nothing is known of what was dragged"]
        onto = python(action.onto, page) if action.onto else ""
        known = action.onto is not None and not action.onto.doubt
        if onto and onto != at and (known or not action.way):
            places = [_position("source_position", gesture.offset)] if gesture.offset else []
            places += [_position("target_position", gesture.onto_offset)] if gesture.onto_offset else []
            return [f"{at}.drag_to({', '.join([onto, *places])})"]
        x, y = gesture.offset or (0.0, 0.0)
        self._names.uses.add("drag")
        way = ", ".join(f"({x:g}, {y:g})" for x, y in action.way)
        self._lose("a drag by the points of its way: its pace is the script's own", action)
        return [f"drag({page}, {at}, ({x:g}, {y:g}), {way})"]

    def _scrolled(self, action: Action, at: str, page: str) -> list[str]:
        gesture = action.gesture
        if gesture.scroll is not None:
            x, y = gesture.scroll
            if at:
                return [f'{at}.evaluate("(element, [x, y]) => element.scrollTo(x, y)", [{x:g}, {y:g}])']
            self._names.uses.add("scroll")
            return [f"scroll({page}, {x:g}, {y:g})"]
        dx, _, dy = (gesture.value or "0,0").partition(",")
        place = _position("position", gesture.offset) if gesture.offset else ""
        over = [f"{at}.hover({place})"] if at else []
        return [*over, f"{page}.mouse.wheel({dx}, {dy})"]

    def _by_position(self, action: Action, page: str) -> list[str]:
        """What is in a closed shadow root can be pointed at, in the tab's own frame."""
        gesture = action.gesture
        target = gesture.target
        if target is None or target.rect is None or action.frames != ():
            self._lose("an element that no locator reaches: the action is left out", action)
            return ["# left out: no locator reaches it"]
        self._lose("an element in a closed shadow root: found by its place in the window alone", action)
        left, top, width, height = target.rect
        x, y = gesture.offset or (width / 2, height / 2)
        place = f"{left + x:g}, {top + y:g}"
        if gesture.verb in ("click", "double_click", "right_click", "hover", "check", "uncheck"):
            call = {"double_click": "dblclick", "hover": "move"}.get(gesture.verb, "click")
            button = ', button="right"' if gesture.verb == "right_click" else ""
            return [f"{page}.mouse.{call}({place}{button})"]
        if gesture.verb in ("fill", "type"):
            every = [f'{page}.keyboard.press("ControlOrMeta+A")'] if gesture.verb == "fill" else []
            return [f"{page}.mouse.click({place})", *every, *self._typed(action, "", page)]
        if gesture.verb in ("press", "copy", "cut"):
            return self._pressed(action, "", page)
        return ["# left out: no locator reaches it"]

    def _answers(self, page: str, action: Action) -> list[str]:
        told: list[str] = []
        replies = []
        for dialog in action.dialogs:
            told.append(f"# {dialog.type}: {printable(dialog.message)[:200]}")
            typed = dialog.type == "prompt" and dialog.accepted and dialog.answer is not None
            replies.append(quoted(dialog.answer or "") if typed else str(dialog.accepted))
        self._names.uses.add("answer")
        return [*told, f"answer({page}, {', '.join(replies)})"]

    def _lose(self, what: str, action: Action, count: int = 1) -> None:
        self._losses.add(what, action.n, count)


def _position(name: str, place: Sequence[float]) -> str:
    return f'{name}={{"x": {place[0]:g}, "y": {place[1]:g}}}'


def _place_matters(action: Action) -> bool:
    """Whether it matters where within an element was clicked: in a drawing, on a scale, among words, or in something
    large without a name."""
    target = action.gesture.target
    if target is None:
        return False
    if target.tag in _DRAWN or target.role in _SLID or (action.clicks > 1 and _words(target)):
        return True
    return not target.name and target.rect is not None and target.rect[2] * target.rect[3] > _LARGE


def _words(target: PageTarget) -> bool:
    return bool(target.text or target.editable) and target.role not in ("button", "row", "cell", "gridcell")
