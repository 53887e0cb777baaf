"""A recorded browser in the sandbox: real Chromium, offline, on events that are written down here by hand."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
from player_stage import MS, ORIGIN, SOURCE, STORAGE, Script, Stage

from recorder.trace.pages import (
    ClockRead,
    DialogAnswered,
    Navigated,
    PageState,
    PageTarget,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium here"),
]
FORM = """<!doctype html><title>form</title><style>* {margin: 0} input, button {display: block; height: 30px}</style>
<input id=name><button id=go>Go</button><p id=out></p>
<script>
const born = Date.now();
go.onclick = () => {
  const said = 'hello ' + document.getElementById('name').value;
  setTimeout(() => out.textContent = said + ' after ' + (Date.now() - born), 5000);
};
</script>"""


def test_a_form_is_filled_again_offline_in_no_time(stage: Stage) -> None:
    script = Script(ORIGIN + "/")
    script.click(20, 15)
    script.type("ann b")
    script.click(20, 45)
    script.event("pointermove", 600_000, x=300, y=300, pointer="mouse")
    _, played = stage.play(script, {"/": FORM})
    assert stage.seen.split("\n")[-1] == "hello ann b after 6580"
    assert (played.missed, played.remarks) == ([], [])


def test_questions_get_the_recorded_answers(stage: Stage) -> None:
    script = Script(ORIGIN + "/")
    script.click(20, 15)
    asked: dict[str, Any] = {"source": SOURCE, "tab": 1, "frame": 1, "doc": 1, "seq": 99, "t": script.t}
    script.events += [
        DialogAnswered(**asked, type="prompt", message="who?", asked=script.t, accepted=True, answer="bob"),
        DialogAnswered(**asked, type="confirm", message="sure?", asked=script.t, accepted=False),
    ]
    body = (
        "<button style='position:fixed;left:0;top:0;width:90px;height:40px' onclick=\"document.body.append("
    )
    body += "prompt('who?') + confirm('sure?') + prompt('and?'))\">Ask</button>"
    _, played = stage.play(script, {"/": body})
    assert stage.seen.endswith("bobfalsenull")
    assert [remark for remark in played.remarks if "what it had not asked" in remark]


def test_a_worker_sees_the_recorded_day_and_no_cookie_has_expired(stage: Stage) -> None:
    """What the pages' clock does not reach has the browser's own, which is that of the recording."""
    script = Script(ORIGIN + "/")
    script.click(20, 15)
    body = """<button style="position:fixed;left:0;top:0;width:90px;height:40px">Ask</button><p id=day></p><script>
    document.querySelector('button').onclick = () => {
      document.cookie = 'session=1; expires=Wed, 04 Mar 2026 06:00:00 GMT';
      const code = 'postMessage(new Date().toISOString().slice(0, 13))';
      new Worker(URL.createObjectURL(new Blob([code]))).onmessage = ({data}) =>
        day.textContent = `${data} ${document.cookie}`;
    };</script>"""
    stage.play(script, {"/": body}, until="!!document.getElementById('day').textContent")
    assert stage.seen.endswith("2026-03-04T05 session=1")


DATABASE = {
    "name": "shop", "version": 3, "stores": [
        {"name": "orders", "autoIncrement": False, "keyPath": "id", "records": [
            {"value": {"id": 1, "who": "ann", "what": "tea"}},
            {"valueEncoded": {"id": 1, "o": [
                {"k": "id", "v": 2}, {"k": "when", "v": {"d": "1970-01-01T00:00:00.005Z"}},
            ]}},
        ], "indexes": [{"name": "by", "keyPath": "who", "multiEntry": False, "unique": False}]},
        {"name": "kept", "autoIncrement": False, "indexes": [], "records": [{"key": "k", "value": "v"}]},
    ],
}  # fmt: skip
"""As Playwright writes one."""


def test_what_the_browser_held_is_there_again_but_once(stage: Stage) -> None:
    """A page that throws its storage away finds none in its next document."""
    state = {
        "cookies": [
            {"name": "session", "value": "ann", "domain": "shop.test", "path": "/", "expires": -1, "httpOnly": True,
             "secure": False, "sameSite": "Lax"},
            {"name": "theme", "value": "dark", "domain": "shop.test", "path": "/"},
        ],
        "origins": [
            {"origin": ORIGIN, "localStorage": [{"name": "cart", "value": "3 nails"}], "indexedDB": [DATABASE]},
        ],
    }  # fmt: skip
    stage.storage = json.dumps(state).encode()
    script = Script(ORIGIN + "/", STORAGE)
    script.click(20, 15)
    body = """<button style="position:fixed;left:0;top:0;width:90px;height:40px">Ask</button><p id=held></p><script>
    const ask = (request) => new Promise((done) => { request.onsuccess = () => done(request.result); });
    const reading = (async () => {
      const database = await ask(indexedDB.open('shop', 3));
      const orders = database.transaction('orders').objectStore('orders');
      const [one, two] = [await ask(orders.index('by').get('ann')), await ask(orders.get(2))];
      const kept = await ask(database.transaction('kept').objectStore('kept').get('k'));
      sessionStorage.was += ` / ${one.what}, ${two.when.getTime()}, ${kept}`;
      return database;
    })();
    sessionStorage.was = `${document.cookie} / ${localStorage.cart}`;
    document.querySelector('button').onclick = async () => {
      const database = await reading;
      localStorage.clear();
      await ask(database.transaction('kept', 'readwrite').objectStore('kept').delete('k'));
      location.href = '/again';
    };
    </script>"""
    again = """<p id=held></p><script>
    indexedDB.open('shop').onsuccess = ({target: {result: database}}) => {
      database.transaction('kept').objectStore('kept').get('k').onsuccess = ({target}) => {
        held.textContent = `${sessionStorage.was}, then ${localStorage.cart} / ${target.result}`;
      };
    };</script>"""
    stage.play(
        script,
        {"/": body, "/again": again},
        until="location.pathname === '/again' && !!document.getElementById('held')?.textContent",
    )
    assert stage.seen == "theme=dark / 3 nails / tea, 5, v, then undefined / undefined"


def test_what_a_press_leads_to_without_a_timer_comes_before_time_goes_on(stage: Stage) -> None:
    """The page hears of sizes when it is drawn, and then sets a timer: it changes before the next press, as it did."""
    body = """<button style="position:fixed;left:0;top:0;width:90px;height:40px">Ask</button>
    <div id=box style="width:10px;height:10px"></div><p id=out></p><script>
    new ResizeObserver(([{contentRect}]) => setTimeout(() => { out.textContent = contentRect.width; }, 5)).observe(box);
    document.querySelector('button').onclick = () => { box.style.width = box.offsetWidth + 10 + 'px'; };
    </script>"""
    script = Script(ORIGIN + "/")
    script.click(20, 15)
    pressed = script.t
    script.event("pointermove", 2000, x=300, y=300, pointer="mouse")
    _, played = stage.play(script, {"/": body})
    dom = [event.dom for event in played.events if isinstance(event, PageState)][-1]
    place: dict[str, Any] = {
        "source": SOURCE,
        "doc": 1,
        "frame": 1,
        "tab": 1,
        "url": ORIGIN + "/",
        "title": "",
    }
    script.events.append(PageState(t=pressed + 300 * MS, **place, seq=90, n=1, dom=dom, settled=True))
    _, played = stage.play(script, {"/": body})
    assert played.missed == []
    (told,) = (event.t for event in played.events if isinstance(event, PageState) and event.dom == dom)
    assert told <= pressed + 300 * MS


def test_a_timer_that_was_late_when_recorded_is_late_again(stage: Stage) -> None:
    """It was due two milliseconds before the press, which met the page as it was before."""
    body = """<button style="position:fixed;left:0;top:0;width:90px;height:40px">Ask</button><p id=out></p><script>
    const button = document.querySelector('button');
    button.onpointerenter = () => setTimeout(() => { out.textContent += ' tip'; }, 300);
    button.onpointerdown = () => { out.textContent += ' pressed'; };
    </script>"""
    script = Script(ORIGIN + "/")
    script.event("pointermove", 500, x=300, y=300, pointer="mouse")
    _, played = stage.play(script, {"/": body})
    dom = [event.dom for event in played.events if isinstance(event, PageState)][-1]
    script.state(1, dom)
    script.event("pointermove", 500, x=20, y=15, pointer="mouse")
    script.event("pointerdown", 302, x=20, y=15, pointer="mouse", button=0, buttons=1, state=1)
    script.event("pointerup", x=20, y=15, pointer="mouse", button=0)
    _, played = stage.play(script, {"/": body})
    assert stage.seen.split() == ["Ask", "pressed", "tip"]
    assert played.missed == []


def test_keys_go_to_their_element_though_nothing_that_was_done_focused_it(stage: Stage) -> None:
    """Who drives a browser by its debugger focuses what is to be filled."""
    script = Script(ORIGIN + "/")
    script.click(20, 15)
    place: dict[str, Any] = {"source": SOURCE, "tab": 1, "frame": 1, "doc": 1, "seq": 50, "t": script.t}
    script.events.append(PageTarget(**place, n=7, tag="input", role="textbox", css="#second", type="text"))
    script.event("keydown", 80, key="a", code="KeyA", target=7)
    script.event("keyup", key="a", code="KeyA", target=7)
    body = """<style>* { margin: 0 } input { display: block; height: 30px }</style><input id=first><input id=second>
    <p id=out></p><script>oninput = ({target}) => { out.textContent += `${target.id} ${target.value}`; }</script>"""
    _, played = stage.play(script, {"/": body})
    assert stage.seen == "second a"
    assert [remark for remark in played.remarks if "focused by script" in remark]


def test_what_moves_within_components_moves_by_the_pages_clock(stage: Stage) -> None:
    """By script and by style: both have come to their end before the next press, as they had."""
    body = """<button style="position:fixed;left:0;top:0;width:90px;height:40px">Ask</button><p id=out></p>
    <div id=host></div><script>
    const root = host.attachShadow({mode: 'closed'}), said = (text) => { out.textContent += ` ${text}`; };
    root.innerHTML = '<style>i { transition: opacity 5s } i.off { opacity: 0 }</style><i>a</i><b>b</b>';
    const [i, b] = ['i', 'b'].map((name) => root.querySelector(name));
    i.ontransitionend = () => said('faded');
    document.querySelector('button').onclick = () => {
      said('pressed');
      if (i.className) return;
      i.className = 'off';
      b.animate([{opacity: 0}, {opacity: 1}], 3000).finished.then(() => said('shown'));
    };
    </script>"""
    script = Script(ORIGIN + "/")
    script.click(20, 15)
    script.click(20, 15, 60_000)
    stage.play(script, {"/": body})
    assert stage.seen.split()[1:] == ["pressed", "shown", "faded", "pressed"]


def test_a_page_is_reloaded_as_often_as_it_was(stage: Stage) -> None:
    """A person's reload is done again, though the page is there already; the page's own follows by itself."""
    body = """<button style="position:fixed;left:0;top:0;width:90px;height:40px">Again</button>
    <p id=out></p><script>
    document.querySelector('button').onclick = () => location.reload();
    out.textContent = `visit ${sessionStorage.n = 1 + Number(sessionStorage.n || 0)}`;
    </script>"""
    script = Script(ORIGIN + "/")
    place: dict[str, Any] = {"source": SOURCE, "tab": 1, "frame": 1, "url": ORIGIN + "/", "how": "reload"}
    script.events.append(Navigated(t=script.t + 400 * MS, **place))
    script.document(2, 500, ORIGIN + "/")
    script.click(20, 15)
    script.events.append(Navigated(t=script.t + 400 * MS, **place))
    script.document(3, 500, ORIGIN + "/")
    script.event("pointermove", 500, x=300, y=300, pointer="mouse")
    _, played = stage.play(script, {"/": body})
    assert stage.seen.endswith("visit 3")
    assert (played.missed, played.remarks) == ([], [])


def test_a_page_that_is_being_left_still_takes_input(stage: Stage) -> None:
    """The next one comes when it had come, not as soon as it can."""
    stage.slow = {"/next": 2}
    script = Script(ORIGIN + "/")
    script.click(20, 15)
    script.event("wheel", 1000, x=20, y=15, dx=0, dy=100)
    script.document(2, 1600, ORIGIN + "/next")
    script.event("pointermove", 1400, x=300, y=300, pointer="mouse")
    body = """<a href="/next" style="position:fixed;left:0;top:0;width:90px;height:40px">Next</a><script>
    addEventListener('wheel', () => localStorage.wheel = location.pathname)</script>"""
    after = (
        "<p id=held></p><script>held.textContent = `${localStorage.wheel} ${Date.now() % 100000}`</script>"
    )
    _, played = stage.play(script, {"/": body, "/next": after}, until="location.pathname === '/next'")
    assert stage.seen.split()[0] == "/"
    assert stage.seen.split()[1] == "71140", "its time is that of the recorded document"
    assert played.missed == []


def test_a_frame_that_was_drawn_before_a_key_is_drawn_before_it_again(stage: Stage) -> None:
    """Its time was recorded: unlike a timer, it did not come late."""
    body = """<input autofocus><p id=out></p><script>
    let frames = 0;
    requestAnimationFrame(function frame() { frames++; requestAnimationFrame(frame); });
    onkeydown = () => { out.textContent += ` ${frames}`; };
    </script>"""
    script = Script(ORIGIN + "/")
    _, played = stage.play(script, {"/": body})
    dom = [event.dom for event in played.events if isinstance(event, PageState)][-1]
    opened = script.t
    script.state(1, dom)
    base = 1_772_600_767_000 + opened / MS  # when the pages were imported as recorded
    drawn = [100 + 20.0 * n + (0.4 if n == 35 else 0) for n in range(50)]
    place: dict[str, Any] = {"source": SOURCE, "tab": 1, "frame": 1, "doc": 1, "first": 0, "base": base}
    for seq, read in enumerate(("frame", "drawn"), 50):
        script.events.append(ClockRead(t=opened + 1_200 * MS, **place, seq=seq, read=read, values=drawn))
    script.event("keydown", 605, key="a", code="KeyA", state=1)
    script.event("keyup", 95, key="a", code="KeyA")
    script.event("keydown", 100, key="c", code="KeyC")
    script.event("keyup", 5, key="c", code="KeyC")
    script.event("keydown", 295, key="b", code="KeyB")
    script.event("keyup", key="b", code="KeyB")
    _, played = stage.play(script, {"/": body})
    assert stage.seen.split() == ["26", "35", "51"]


def test_each_source_of_tasks_reads_the_clock_in_its_own_order(stage: Stage) -> None:
    """A busy browser ran a timer between two scripts; an interval that came late kept its beat."""
    body = """<input autofocus><p id=out></p><script>
    const at = Date.now();
    let ticks = 0;
    setInterval(() => ticks++, 100);
    setTimeout(() => { out.textContent += ` timer ${Date.now() - at}`; }, 40);
    onkeydown = () => { out.textContent += ` ticks ${ticks}`; };
    </script><script>out.textContent += `script ${Date.now() - at}`;</script>"""
    script = Script(ORIGIN + "/")
    opened = script.t
    base = 1_772_600_767_000 + opened / MS  # when the pages were imported as recorded
    place: dict[str, Any] = {"source": SOURCE, "tab": 1, "frame": 1, "doc": 1, "first": 0, "base": base}
    for seq, (by, after) in enumerate((("timer", (60,)), ("script", (10, 150))), 50):
        values = [base + ms for ms in after]
        script.events.append(
            ClockRead(t=opened + 200 * MS, **place, seq=seq, read="date", by=by, values=values)
        )
    script.event("keydown", 240, key="a", code="KeyA")
    script.event("keyup", key="a", code="KeyA")
    _, played = stage.play(script, {"/": body})
    assert stage.seen == "script 140 timer 50 ticks 2"
    assert (played.missed, played.remarks) == ([], [])
