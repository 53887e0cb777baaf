"""Chromium as a payload of the sandbox: its folder, its command line, and the pipes that lead to it.

Everything that it shares with us is in one folder of the session's: two FIFOs for its debugging pipe, two for the
extension's native host, the extension, the profile, files that pages are given. Our ends of the FIFOs are
opened before the payload runs, so nothing that it puts in their place matters.
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import shutil
import stat
from pathlib import Path
from typing import Self

from browser_ext import EXTENSION_ID, NATIVE_HOST, unpack
from recorder.trace.errors import Unsupported
from recorder.trace.pages import BrowserStarted
from replay.sandbox.spec import GIB, MIB, Limits

FOLDER = "browser"
"""Below the session folder."""
LIMITS = Limits(
    processes=2048,
    memory=4 * GIB,
    address_space=1 << 47,
    open_files=8192,
    shared_memory=512 * MIB,
    temporary=GIB,
)
"""A browser's: it sets aside terabytes of addresses, of which it uses little."""
_PIPES = ("commands", "answers", "told", "telling")
_PIPE_BYTES = 1 << 20
_F_SETPIPE_SZ = 1031
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ENV = "REENACT_CHROMIUM"
_NOT = (
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "DisableLoadExtensionCommandLineSwitch",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "IsolateOrigins",
    "IsolateSandboxedIframes",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "OriginIsolationHeader",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
    "Translate",
    "site-per-process",
)
_MOUSE = "primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4"
"""A headless browser knows of no mouse by itself."""
_FLAGS = (
    "--remote-debugging-pipe",
    # Its own sandbox is made of namespaces, which nobody inside ours may make.
    "--no-sandbox",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-service-autorun",
    "--password-store=basic",
    "--use-mock-keychain",
    "--metrics-recording-only",
    "--mute-audio",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-field-trial-config",
    "--disable-hang-monitor",
    "--disable-ipc-flooding-protection",
    # A page that is being left still takes input, as when it was recorded.
    "--allow-pre-commit-input",
    "--disable-prompt-on-repost",
    "--disable-quic",
    "--disable-search-engine-choice-screen",
    "--disable-smooth-scrolling",
    # Moves of the pointer wait for a frame: no frame waits for a screen that nobody looks at.
    "--disable-frame-rate-limit",
    "--disable-gpu-vsync",
    "--disable-sync",
    # A page that is not in front must go on, too.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    # All frames in one process: our sandbox is the boundary, and events then have one order.
    "--disable-site-isolation-trials",
    f"--disable-features={','.join(_NOT)}",
    "--force-color-profile=srgb",
    # A debugging pipe alone would set navigator.webdriver, which the recorded browser has not.
    "--disable-blink-features=AutomationControlled",
    # Calls home go nowhere.
    "--autofill-server-url=https://127.0.0.1:1",
    "--gaia-url=https://127.0.0.1:1",
    "--component-updater=url-source=https://127.0.0.1:1,initial-delay=100000000",
)


def find_chromium() -> str:
    """The program. Raises Unsupported where there is none."""
    named = os.environ.get(_ENV)
    if named:
        if not os.access(named, os.X_OK):
            raise Unsupported(f"{_ENV}={named}: no program there")
        return named
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise Unsupported("a browser's replay needs Chromium: apt install chromium, or name one in " + _ENV)
    return found


class Chromium:
    """A browser's folder below `host`, which stands at `inside` in the sandbox. Use as a context manager: what it holds
    are our ends of the FIFOs. `flags` are further ones, such as where its proxy is.

    `words` is the program for the sandbox that starts it; `env` the variables that it needs besides.
    """

    def __init__(
        self, host: Path, inside: str, started: BrowserStarted, flags: list[str], *, headed: bool = False
    ) -> None:
        self.host = host / FOLDER
        self.inside = f"{inside}/{FOLDER}"
        self._fds: dict[str, int] = {}
        program = find_chromium()
        self.host.mkdir(mode=0o755)
        profile = self.host / "profile"
        (profile / "NativeMessagingHosts").mkdir(parents=True)
        (self.host / "files").mkdir()
        downloads = self.host / "downloads"
        downloads.mkdir()
        self._fds["downloads"] = os.open(downloads, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        unpack(self.host / "extension", seed=started.seed, tape=False)
        self._native_host(profile / "NativeMessagingHosts")
        try:
            for name in _PIPES:
                self._fds[name] = self._fifo(name)
        except OSError as error:
            self.close()
            raise Unsupported(f"no pipes to the browser: {error}") from error
        self.words = self._words(program, started, flags, headed)
        self.env = {
            "HOME": f"{self.inside}/profile",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "LANGUAGE": started.locale.replace("-", "_"),
            "TZ": started.timezone,
        }

    @property
    def pipes(self) -> tuple[int, int, int, int]:
        """Descriptors: (the browser's commands, its answers, what the extension tells, what it is told)."""
        return tuple(self._fds[name] for name in _PIPES)  # type: ignore[return-value]

    def close(self) -> None:
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def put(self, name: str, content: bytes) -> str:
        """Writes a file for a page to be given, in a folder of its own; its path inside."""
        folder = self.host / "files" / str(len(list((self.host / "files").iterdir())))
        folder.mkdir()
        plain = name.replace("/", "_").replace("\0", "_")
        plain = plain if plain not in ("", ".", "..") else "_"
        (folder / plain).write_bytes(content)
        (folder / plain).chmod(0o644)
        return f"{self.inside}/files/{folder.name}/{plain}"

    def downloaded(self, ident: str, most: int) -> bytes | None:
        """The content of a download; None where it is larger than `most` bytes, or no plain file."""
        if "/" in ident or ident in ("", ".", ".."):
            return None
        try:
            fd = os.open(
                ident,
                os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC,
                dir_fd=self._fds["downloads"],
            )
        except OSError:
            return None
        with open(fd, "rb") as file:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_size > most:
                return None
            return file.read(most)

    def _fifo(self, name: str) -> int:
        path = self.host / name
        os.mkfifo(path, 0o600)
        # Both ends: it never blocks, and nobody's leaving ends it.
        fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.fcntl(fd, _F_SETPIPE_SZ, _PIPE_BYTES)
        except OSError:  # a limit of this user's: the usual size serves
            pass
        return fd

    def _native_host(self, folder: Path) -> None:
        """What Chromium starts for the extension: its messages go through two of the FIFOs."""
        program = self.host / "native-host"
        told, telling = (shlex.quote(f"{self.inside}/{name}") for name in ("told", "telling"))
        program.write_text(f"#!/bin/sh\nexec 5<&0\ncat <&5 >{told} &\nexec cat {telling}\n")
        program.chmod(0o755)
        manifest = {
            "name": NATIVE_HOST,
            "description": "Reenact's replay",
            "path": f"{self.inside}/native-host",
            "type": "stdio",
            "allowed_origins": [f"chrome-extension://{EXTENSION_ID}/"],
        }
        (folder / f"{NATIVE_HOST}.json").write_text(json.dumps(manifest))

    def _words(self, program: str, started: BrowserStarted, flags: list[str], headed: bool) -> list[str]:
        extension = f"{self.inside}/extension"
        words = [
            program,
            *_FLAGS,
            *flags,
            f"--user-data-dir={self.inside}/profile",
            f"--load-extension={extension}",
            f"--disable-extensions-except={extension}",
            f"--window-size={min(max(started.width, 100), 10_000)},{min(max(started.height, 100), 10_000)}",
        ]
        if started.locale:
            words.append(f"--lang={started.locale}")
        if started.languages:
            words.append(f"--accept-lang={','.join(started.languages)}")
        if started.seed is not None:
            words.append(f"--js-flags=--random-seed={started.seed % 2**31}")
        if not headed:
            words.append("--headless")
        if started.mode == "opened":  # as the recorder opens it
            words.append("--disable-back-forward-cache")
        if started.headless:
            words += ["--hide-scrollbars", f"--blink-settings={_MOUSE}"]
        commands, answers = (f"{self.inside}/{name}" for name in ("commands", "answers"))
        log = f"{self.inside}/log"
        script = (
            f"exec 3<{shlex.quote(commands)} 4>{shlex.quote(answers)} >{shlex.quote(log)} 2>&1 </dev/null; "
        )
        return ["/bin/sh", "-c", script + f"exec {shlex.join([*words, 'about:blank'])}"]
