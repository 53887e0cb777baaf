"""What is secret in a browser's session is in no part of its trace: typed, shown, told or sent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from recorded_browser import Recording, of, site, wait_for

from recorder.trace.events import BrowserStarted, PageEvent, Screenshot, SecretReplaced

TOKEN = "ghp_" + "k3Yq8ZtR1vB6nW0sXc5LmD2fHj9PuAe7GiTo"
TOLD = "correct-horse-battery-9"
PAGES = {
    "index.html": """<title>Settings</title>
<form onsubmit="fetch('/?token=' + token.value).catch(() => 0); shown.textContent = token.value; return false">
<label>API token <input id=token name=api_token></label><label>Note <input id=note></label>
<label>Password <input id=password type=password></label><button>Save</button></form><p id=shown></p>""",
}


@pytest.mark.slow
def test_nothing_that_is_secret_is_in_the_trace(browse: Callable[..., Recording], tmp_path: Path) -> None:
    with site(PAGES, tmp_path / "site") as address:
        recording = browse(f"{address}/index.html?access_token={TOKEN[::-1]}", "--secret", "TOLD", TOLD=TOLD)
        with recording.expert() as page:
            wait_for(lambda: of(Screenshot, recording.journal()) or None)
            for field, text in (("#token", TOKEN), ("#note", TOLD), ("#password", "pass-word-1")):
                page.locator(field).click()
                page.keyboard.type(text)
            page.get_by_role("button").click()
            wait_for(lambda: [e for e in of(PageEvent, recording.journal()) if e.type == "submit"] or None)
            page.wait_for_timeout(300)
            recording.close(page)
        result, said = recording.ended()
    assert result["state"] == "complete", said
    events = recording.trace()
    with recording.opened() as trace:
        everything = [*(line.line for line in trace.events.lines()), *map(trace.blob, trace.blob_digests())]
    for secret in (TOKEN, TOLD, "pass-word-1", TOKEN[::-1]):
        assert not [part for part in everything if secret.encode() in part]
        for size in (8, 12):
            assert not [part for part in everything if secret[:size].encode() in part]
    keys = "".join(e.key for e in of(PageEvent, events) if e.type == "keydown" and e.key)
    for secret in (TOKEN, TOLD, "pass-word-1"):
        assert secret not in keys
        assert secret[:8] not in keys
    assert len(of(SecretReplaced, events)) >= 2
    assert {shot.reason for shot in of(Screenshot, events)} == {
        "settled"
    }  # at the end the page shows the token


@pytest.mark.slow
def test_a_profile_is_kept_and_what_it_brings_is_told_without_its_secrets(
    browse: Callable[..., Recording], tmp_path: Path
) -> None:
    session = "q7Zr2LmX9vKc4TbW8nYd"
    other = "Hw3JpN8sRfYq5DgUe2Zk"
    page = f"""<p>x<script>document.cookie = 'sessionid={session}; max-age=9999'; localStorage.theme = 'dark';
    const opening = indexedDB.open('shop', 2);
    opening.onupgradeneeded = () => opening.result.createObjectStore('me').put(
      {{access_token: '{other}', since: new Date(5)}}, 'me');
    opening.onsuccess = () => {{ document.body.append(Object.assign(document.createElement('p'), {{id: 'done'}})); }};
    </script>"""
    with site({"index.html": page}, tmp_path / "site") as address:
        for turn in (1, 2):
            recording = browse(f"{address}/index.html", "--profile=work", "--overwrite")
            with recording.expert() as tab:
                tab.locator("#done").wait_for(state="attached")
                recording.close(tab)
            result, said = recording.ended()
            assert result["state"] == "complete", said
            (started,) = of(BrowserStarted, recording.trace())
            assert (started.storage is None) == (turn == 1)
    with recording.opened() as trace:
        assert started.storage is not None
        held = json.loads(trace.blob(started.storage))
        (cookie,), (origin,) = held["cookies"], held["origins"]
        assert cookie["name"] == "sessionid"
        assert len(cookie["value"]) == len(session)
        assert cookie["value"] != session
        assert origin["origin"] == address
        assert origin["localStorage"] == [{"name": "theme", "value": "dark"}]
        (database,) = origin["indexedDB"]
        assert (database["name"], database["version"]) == ("shop", 2)
        assert "access_token" in json.dumps(database["stores"])
        everything = [*(line.line for line in trace.events.lines()), *map(trace.blob, trace.blob_digests())]
    assert not [part for part in everything if session.encode() in part or other.encode() in part]
    # Nothing was answered from a cache, which no replay has.
    replayed = subprocess.run(
        [str(Path(sys.executable).parent / "reenact"), "replay", str(recording.out)],
        env=recording.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert replayed.returncode == 0, replayed.stdout
