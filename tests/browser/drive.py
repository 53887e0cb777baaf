"""Drives Chromium over its debugging pipe: `drive.py PROGRAM URL [STEP…]`.

A step is `click:SELECTOR`, `type:TEXT`, `until:EXPRESSION` or `reload:`. Waits until the page's title is `done` (or the
steps are over), prints what its body says and the hash of what it looks like.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile

FLAGS = ["--headless", "--remote-debugging-pipe", "--window-size=800,600", "--hide-scrollbars"]


class Browser:
    def __init__(self, words, folder):
        commands, self.out = os.pipe()
        self.answers, answers = os.pipe()

        def place():  # the browser reads from 3 and writes to 4
            spare = os.dup(answers)
            os.dup2(commands, 3)
            os.dup2(spare, 4)
            os.set_inheritable(3, True)  # where it was 3 already

        self.process = subprocess.Popen(
            [*words, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
            preexec_fn=place, close_fds=False,  # noqa: PLW1509 - no threads here
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(commands)
        os.close(answers)
        self.number, self.data, self.page = 0, b"", None
        # The page that is there: one of our own might be hidden behind it, and hidden pages are not drawn.
        pages = []
        while not pages:
            found = self.ask("Target.getTargets")["targetInfos"]
            pages = [target["targetId"] for target in found if target["type"] == "page"]
        self.page = self.ask("Target.attachToTarget", targetId=pages[0], flatten=True)["sessionId"]

    def ask(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.page:
            message["sessionId"] = self.page
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" in self.data:
                line, self.data = self.data.split(b"\0", 1)
                said = json.loads(line)
                if said.get("id") == self.number:
                    if "error" in said:
                        raise SystemExit(f"{method}: {said['error']}")
                    return said["result"]
            data = os.read(self.answers, 65536)
            if not data:
                raise SystemExit("the browser is gone")
            self.data += data

    def run(self, script):
        said = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in said:
            raise SystemExit(said["exceptionDetails"])
        return said["result"].get("value")

    def until(self, condition):
        """Asks again until it holds: a page that is being left takes its promises with it."""
        while True:
            try:
                if self.run(f"!!({condition})"):
                    return
                self.run("new Promise(requestAnimationFrame)")
            except SystemExit:
                if self.process.poll() is not None:
                    raise

    def close(self):
        self.page = None
        self.ask("Browser.close")
        self.process.wait()


def main():
    program, url, *steps = sys.argv[1:]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(program.split(), folder)
        browser.ask("Page.enable")
        browser.ask("Page.navigate", url=url)
        browser.until(
            f"location.href.startsWith({json.dumps(url[:16])}) && document.readyState === 'complete'"
        )
        if not steps:
            browser.until("document.title === 'done'")
        for step in steps:
            kind, _, rest = step.partition(":")
            if kind == "click":
                browser.until(f"document.querySelector({json.dumps(rest)})")
                browser.run(f"(it => (it.focus(), it.click()))(document.querySelector({json.dumps(rest)}))")
            elif kind == "type":
                browser.ask("Input.insertText", text=rest)
                enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
                browser.ask("Input.dispatchKeyEvent", type="keyDown", text="\r", **enter)
                browser.ask("Input.dispatchKeyEvent", type="keyUp", **enter)
            elif kind == "until":
                browser.until(rest)
            elif kind == "reload":
                browser.run("window.left = true")
                browser.ask("Page.reload")
                browser.until("!window.left && document.readyState === 'complete'")
        print(browser.run("document.body.innerText"))
        browser.run("document.documentElement.style.caretColor = 'transparent'")  # it blinks
        browser.until("document.getAnimations().every((animation) => animation.playState === 'finished')")
        # Twice: after the first one all that was to be drawn is.
        for _ in range(2):
            shot = browser.ask("Page.captureScreenshot", format="png")["data"]
        print("looks like", hashlib.sha256(base64.b64decode(shot)).hexdigest()[:16])
        browser.close()


main()
