"""What a document states of what a person does in it, from a real Chromium to the recorder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from channel_ends import Recorder
from playwright.sync_api import Page
from site_of_pages import Site

from recorder.trace.events import Gap
from recorder.trace.pages import (
    DialogAnswered,
    DocumentEnded,
    DocumentStarted,
    PageEvent,
    PageState,
    PageTarget,
    TabClosed,
    TabOpened,
)

pytestmark = pytest.mark.slow
HIDDEN = """parentNode children getAttribute localName attributes firstChild nextSibling textContent getRootNode closest
matches innerText id className querySelectorAll getBoundingClientRect childElementCount namespaceURI"""
"""What a form's fields can stand in front of."""


@pytest.fixture
def seen(page: Page, recorder: Recorder) -> Callable[..., Any]:
    """The events of a type that came since the test began, once `there` are."""
    before = len(recorder.events)

    def events(kind: type, there: int = 1, **fields: Any) -> list[Any]:
        def found(recorder: Recorder) -> list[Any]:
            mine = [event for event in recorder.events[before:] if isinstance(event, kind)]
            return [e for e in mine if all(getattr(e, name) == value for name, value in fields.items())]

        recorder.wait(lambda r: len(found(r)) >= there)
        assert not recorder.faults
        return found(recorder)

    return events


def test_a_press_on_one_of_many_is_told_by_its_row(page: Page, site: Site, seen: Callable[..., Any]) -> None:
    rows = "".join(f"<tr><td>Invoice {n}<td>{n}.00<td><button>Delete</button>" for n in range(30))
    head = "<thead><tr><th>Name<th>Sum<th>Do</thead>"
    page.goto(site.show(f"<title>Bills</title><h1>Invoices</h1><table>{head}{rows}</table>"))
    page.get_by_role("row", name="Invoice 17").get_by_role("button").click()
    (click,) = seen(PageEvent, type="click")
    (target,) = [t for t in seen(PageTarget) if t.n == click.target]
    assert (target.role, target.name, target.ordinal, target.alike) == ("button", "Delete", 17, 30)
    assert target.anchors == [("row", "Invoice 17"), ("column", "Do"), ("heading", "Invoices")]
    found = page.evaluate(
        "([css, xpath]) => [document.querySelector(css),"
        " document.evaluate(xpath, document, null, 9).singleNodeValue].map((e) => e.closest('tr').innerText)",
        [target.css, target.xpath],
    )
    assert [row.split()[1] for row in found] == ["17", "17"]


def test_a_point_is_at_the_slot_that_a_press_there_is_at(
    page: Page, site: Site, seen: Callable[..., Any]
) -> None:
    """Words that a component puts into its slot: the browser says that the slot is pressed, and the host is there."""
    made = "this.attachShadow({mode: 'open'}).innerHTML = '<div style=padding:20px><slot></slot></div>'"
    code = f"customElements.define('x-tab', class extends HTMLElement {{ connectedCallback() {{ {made} }} }})"
    page.goto(
        site.show(
            f"<style>x-tab {{ display: inline-block }}</style><x-tab>Mail</x-tab><script>{code}</script>"
        )
    )
    box = page.locator("x-tab").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(x, y)
    (click,) = seen(PageEvent, type="click")
    (target,) = [t for t in seen(PageTarget) if t.n == click.target]
    assert (target.tag, len(target.shadow)) == ("slot", 1)
    probed = ours(page, f"__reenact.probe({x}, {y})")
    assert (probed["tag"], probed["css"]) == (target.tag, target.css)
    assert ours(page, f"__reenact.probe({box['x'] + 5}, {box['y'] + 5})")["tag"] == "div"


def ours(page: Page, expression: str) -> Any:
    """What a script gives in the extension's world of the page."""
    tools = page.context.new_cdp_session(page)
    worlds: list[Any] = []
    tools.on("Runtime.executionContextCreated", lambda told: worlds.append(told["context"]))
    tools.send("Runtime.enable")
    world = next(world["uniqueId"] for world in worlds if world["origin"].startswith("chrome-extension:"))
    said = tools.send(
        "Runtime.evaluate", {"expression": expression, "uniqueContextId": world, "returnByValue": True}
    )
    return said["result"]["value"]


def test_keys_are_told_by_what_their_field_stood_in_when_they_came(
    page: Page, site: Site, seen: Callable[..., Any]
) -> None:
    """They are stated later, when the last of them has changed what it is called by."""
    script = "document.querySelector('input').onkeyup = ({key, target}) => {"
    script += " if (key === 'Enter') document.querySelector('b').textContent = target.value }"
    page.goto(
        site.show(f"<ul><li><b>old</b> <input></li><li><b>other</b></li></ul><script>{script}</script>")
    )
    page.focus("input")
    page.keyboard.type("new\n")
    keys = seen(PageEvent, 4, type="keydown")
    targets = {t.n: t.anchors for t in seen(PageTarget)}
    assert {tuple(targets[key.target]) for key in keys} == {(("item", "old"),)}


def test_a_button_beside_one_of_its_make_is_no_item(page: Page, site: Site, seen: Callable[..., Any]) -> None:
    """Else the class that a script gives it under the pointer would make another of it."""
    buttons = "".join(f"<button class=b><span>{name}</span></button>" for name in ("Add", "Clear"))
    page.goto(site.show(f"<div class=card>Milk {buttons}</div><div class=card>Bread {buttons}</div>"))
    page.locator("span").nth(1).click()
    (click,) = seen(PageEvent, type="click")
    (target,) = [t for t in seen(PageTarget) if t.n == click.target]
    assert target.anchors == [("item", "Milk")]


def test_where_something_is_put_is_told_by_what_it_stood_in(
    page: Page, site: Site, seen: Callable[..., Any]
) -> None:
    """It is gone from there as soon as the pointer was let go."""
    rows = "<tr><td>Monday<td><i>-</i><tr><td>Friday<td><i>-</i>"
    script = "onpointerup = () => { for (const cell of document.querySelectorAll('i')) cell.remove() }"
    page.goto(site.show(f"<table><tbody>{rows}</tbody></table><script>{script}</script>"))
    first, last = (page.locator("i").nth(n).bounding_box() for n in (0, 1))
    assert first is not None
    assert last is not None
    page.mouse.move(first["x"] + 2, first["y"] + 8)
    page.mouse.down()
    page.mouse.move(last["x"] + 2, last["y"] + 8)
    page.mouse.up()
    (put,) = seen(PageEvent, type="pointerup")
    assert [t.anchors[0] for t in seen(PageTarget) if t.n == put.target] == [("row", "Friday")]


def test_what_is_secret_never_leaves_the_page(page: Page, site: Site, seen: Callable[..., Any]) -> None:
    page.goto(
        site.show(
            "<input id=word type=password><button id=eye onclick=\"word.type = 'text'\">show</button>"
            "<input id=card autocomplete='section-a cc-number'><input id=code autocomplete=one-time-code>"
            "<div id=host></div><script>host.attachShadow({mode: 'closed'}).innerHTML ="
            " '<input type=password style=\"width:200px\">'</script>"
        )
    )
    page.click("#word")
    page.keyboard.type("Zq7")
    page.click("#eye")
    page.click("#word")
    page.keyboard.press("End")
    page.keyboard.type("Xk9")
    page.keyboard.press("Control+A")
    page.keyboard.press("Control+C")
    page.click("#card")
    page.keyboard.press("Control+V")
    page.keyboard.type("Wv8")
    page.click("#code")
    page.keyboard.type("Jy6")
    box = page.locator("#host").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 20, box["y"] + 10)
    page.keyboard.type("Hf5")
    page.keyboard.press("F2")
    events = seen(PageEvent, type="keyup", key="F2") and seen(object)
    text = msgspec.json.encode([event for event in events if hasattr(event, "doc")]).decode()
    for secret in ("Zq7", "Xk9", "Wv8", "Jy6", "Hf5", '"KeyZ"', '"KeyH"', '"H"'):
        assert secret not in text
    values = [event.value for event in events if isinstance(event, PageEvent) and event.type == "input"]
    assert values[-1] == "•••"
    assert [event.key for event in events if isinstance(event, PageEvent) and event.type == "keydown"][
        :3
    ] == ["•"] * 3


def test_what_scripts_make_is_kept_apart_and_bounded(
    page: Page, site: Site, seen: Callable[..., Any]
) -> None:
    page.goto(site.show("<button id=button>press</button><input id=field>"))
    page.evaluate(
        """() => {
          const at = (event) => field.dispatchEvent(event);
          at(new MouseEvent("click", {button: 9999, detail: -7, clientX: 1e308, bubbles: true}));
          at(new MouseEvent("click", {button: -300, buttons: 65535, clientX: NaN || 0, bubbles: true}));
          at(new WheelEvent("wheel", {deltaX: 1e300, deltaMode: 1, bubbles: true}));
          at(new KeyboardEvent("keydown", {key: "k".repeat(5000), code: "\\ud800", location: 4e9, bubbles: true}));
          at(new InputEvent("input", {inputType: "t".repeat(5000), data: "\\udfff", bubbles: true}));
          at(new PointerEvent("pointerdown", {pointerType: "p".repeat(99), bubbles: true}));
          at(new Event("paste", {bubbles: true}));
          at(new ClipboardEvent("copy", {bubbles: true}));
          at(new DragEvent("drop", {bubbles: true}));
          at(new FocusEvent("focus")); at(new CompositionEvent("compositionend", {data: "\\ud83d"}));
          const node = document.createElement("i");
          dispatchEvent(new MouseEvent("reenact:bridge", {relatedTarget: node}));
          node.dispatchEvent(new CustomEvent("asked", {detail: '["alert", "forged"]'}));
          node.dispatchEvent(new CustomEvent("answered", {detail: "true"}));
          for (let n = 0; n < 50000; n++) button.click();
        }"""
    )
    page.click("#button")
    seen(PageEvent, type="click", trusted=True)
    events = seen(PageEvent)
    made = [event for event in events if not event.trusted]
    kept = [event for event in made if event.type != "omitted"]
    assert len(kept) < 5000
    assert len(kept) + sum(event.detail for event in made if event.type == "omitted") == 50_011
    assert {event.type for event in kept} >= {
        "wheel",
        "keydown",
        "input",
        "pointerdown",
        "paste",
        "copy",
        "drop",
    }
    assert not seen(Gap, 0)
    assert not seen(DialogAnswered, 0)
    assert page.evaluate("typeof __reenact") == "undefined"


def test_a_page_that_hides_its_own_nodes(page: Page, site: Site, seen: Callable[..., Any]) -> None:
    hidden = "".join(f"<input name={name} value=x>" for name in HIDDEN.split())
    images = "<img name=title><img name=body><img name=activeElement>"
    page.goto(
        site.show(f"{images}<form id=form style=padding:20px>{hidden}<b id=part>part</b><p>rest</p></form>")
    )
    for element in ("part", "form"):
        x, y = page.evaluate(
            f"(({{x, bottom}}) => [x + 5, bottom - 5])(Element.prototype.getBoundingClientRect.call({element}))"
        )
        page.mouse.click(x, y)
    (first, second) = seen(PageEvent, 2, type="click")
    targets = {target.n: target for target in seen(PageTarget)}
    assert (targets[first.target].tag, targets[second.target].tag) == ("b", "form")
    assert len({state.dom for state in seen(PageState)}) == 1


def test_dialogs_are_told_with_their_answers(page: Page, site: Site, seen: Callable[..., Any]) -> None:
    answers = iter([None, False, "blue", False, True])

    def answer(dialog: Any) -> None:
        given = next(answers)
        if given is False:
            dialog.dismiss()
        else:
            dialog.accept(*([given] if isinstance(given, str) else []))

    page.on("dialog", answer)
    page.goto(
        site.show(
            "<button onclick=\"alert('saved'); confirm('sure?'); prompt('colour?', 'red')\">ask</button>"
            "<script>addEventListener('beforeunload', (event) => event.preventDefault())</script>"
        )
    )
    page.click("button")
    told = [(e.type, e.message, e.accepted, e.answer) for e in seen(DialogAnswered, 3)]
    assert told == [
        ("alert", "saved", True, None), ("confirm", "sure?", False, None), ("prompt", "colour?", True, "blue"),
    ]  # fmt: skip
    page.evaluate("setTimeout(() => location = '/?stay')")
    page.wait_for_event("dialog")
    page.mouse.click(1, 1)
    assert [(e.type, e.accepted) for e in seen(DialogAnswered, 4)[3:]] == [("beforeunload", False)]
    page.goto(site.url("/?leave"))
    assert [(e.type, e.accepted) for e in seen(DialogAnswered, 5)[4:]] == [("beforeunload", True)]
    assert all(e.t >= e.asked for e in seen(DialogAnswered, 5))


def test_files_come_with_their_bytes_and_in_order(page: Page, site: Site, seen: Callable[..., Any]) -> None:
    page.goto(site.show("<input type=file multiple><input id=field>"))
    page.set_input_files(
        "input[type=file]",
        [
            {"name": "small.txt", "mimeType": "text/plain", "buffer": b"small"},
            {"name": "large.bin", "mimeType": "application/octet-stream", "buffer": bytes(3_000_000)},
        ],
    )
    page.fill("#field", "after")
    (change, after) = (seen(PageEvent, type="change")[0], seen(PageEvent, type="input", value="after")[0])
    assert [(file.name, file.size) for file in change.files] == [("small.txt", 5), ("large.bin", 3_000_000)]
    assert change.seq < after.seq


def test_states_tell_what_the_document_holds(page: Page, site: Site, seen: Callable[..., Any]) -> None:
    page.goto(site.show("<title>One</title><p>text</p><input id=field><div id=host></div>"))
    first = seen(PageState, settled=True)[-1]
    page.fill("#field", "held")
    second = next(state for state in seen(PageState, first.n + 1) if state.n > first.n)
    assert first.dom != second.dom
    page.fill("#field", "")
    page.evaluate("host.attachShadow({mode: 'closed'}).innerHTML = '<b>inside</b>'")
    page.evaluate("document.title = 'Two'")
    (third,) = seen(PageState, title="Two")[-1:]
    assert third.nodes == first.nodes + 1
    page.evaluate("document.title = 'One'; const old = host; old.replaceWith(old.cloneNode())")
    fourth = next(state for state in seen(PageState, third.n + 1) if state.n > third.n)
    assert (fourth.title, fourth.dom) == ("One", first.dom)
    page.mouse.click(1, 1)
    assert seen(PageEvent, type="pointerdown")[0].state == fourth.n


def test_a_page_gone_back_to_goes_on(page: Page, site: Site, seen: Callable[..., Any]) -> None:
    site.show("<title>Next</title>", "/next")
    page.goto(site.show("<button>press</button><a href=/next>next</a>"))
    page.click("a")
    page.wait_for_url("**/next")
    seen(DocumentStarted, 2)
    page.go_back()
    page.click("button")
    (click,) = [e for e in seen(PageEvent, 2, type="click") if e.target is not None][1:]
    assert seen(PageTarget, doc=click.doc, n=click.target)[0].tag == "button"
    assert not seen(Gap, 0)


def test_a_hidden_fields_token_is_no_part_of_what_a_page_shows(
    page: Page, recorder: Recorder, site: Site
) -> None:
    """Another one stands in each session's page, and a placeholder in a replay's."""

    def shown(recorder: Recorder) -> list[PageState]:
        return [state for state in recorder.of(PageState) if state.settled and state.title == "Log in"]

    for number, token in enumerate(("q8Zr2", "x1Ym7"), 1):
        form = f"<form><input type=hidden value={token}><input value=ada></form>"
        page.goto(site.show(f"<title>Log in</title>{form}"))
        recorder.wait(lambda r, number=number: len({state.doc for state in shown(r)}) == number)
    assert len({state.dom for state in shown(recorder)}) == 1


def test_a_page_that_closes_itself_has_said_all(page: Page, recorder: Recorder, site: Site) -> None:
    page.goto(site.show("<button onclick='open(location, `w`, `width=300,height=200`)'>Open</button>"))
    with page.expect_popup() as opened:
        page.get_by_role("button").click()
    popup = opened.value
    popup.evaluate("document.querySelector('button').onclick = () => window.close(); 0")
    box = popup.get_by_role("button").bounding_box()
    assert box is not None
    popup.mouse.move(box["x"] + 5, box["y"] + 5)
    popup.mouse.down()
    with popup.expect_event("close"):
        popup.mouse.up()
    popups = {event.tab for event in recorder.wait(lambda r: [e for e in r.of(TabOpened) if e.opener])}
    tab = recorder.wait(lambda r: [e.tab for e in r.of(TabClosed) if e.tab in popups])[-1]
    clicks = [event for event in recorder.of(PageEvent) if event.tab == tab and event.type == "click"]
    assert len(clicks) == 1
    assert clicks[0].doc in [event.doc for event in recorder.of(DocumentEnded)]
