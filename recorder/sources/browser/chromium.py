"""Chromium as it is opened to be recorded: a person's, with the extension in it. All of Playwright is here.

Nothing acts on a page but the first navigation: dialogs, file choosers and downloads are the person's.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from browser_ext import EXTENSION_ID, unpack
from recorder.sources.browser import hosts, keeper
from recorder.sources.browser.orders import CHANNEL, FOLDER, PID, Orders
from recorder.sources.browser.profile import holdings
from recorder.trace.errors import RecordingFailed, Unsupported
from recorder.trace.removal import remove_tree

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Download, Page, Playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_NOT_A_PERSONS = [
    "--enable-automation",
    "--disable-extensions",
    "--disable-component-extensions-with-background-pages",
    "--disable-popup-blocking",
]
"""What Playwright would add, and no person's browser has."""
# Its own calls home, to its makers' accounts and updates, are no part of the work: they go to a port where nobody is.
_QUIET = [
    "--disable-quic",
    "--gaia-url=https://127.0.0.1:1",
    "--autofill-server-url=https://127.0.0.1:1",
    "--component-updater=url-source=https://127.0.0.1:1,initial-delay=100000000",
]
_DICTIONARIES = """
af bg ca cs cy da de el en-AU en-CA en-GB en-US es es-419 es-AR es-ES es-MX es-US et fa fo fr he hi hr hu hy id it ko lt
lv nb nl pl pt-BR pt-PT ro ru sh sk sl sq sr sv ta tg tr uk vi
"""
_SETTINGS = {
    "spellcheck": {"blocked_dictionaries": _DICTIONARIES.split()},  # they would be fetched
    "browser": {"enable_spellchecking": False},
    "search": {"suggest_enabled": False},
    "translate": {"enabled": False},
    "safebrowsing": {"enabled": False},
    "signin": {"allowed": False},
    "credentials_enable_service": False,
    "profile": {"password_manager_enabled": False, "password_manager_leak_detection": False},
    "autofill": {"profile_enabled": False, "credit_card_enabled": False},
    "extensions": {"pinned_extensions": [EXTENSION_ID]},  # its button shows that something is recorded
}
"""A new profile's: nothing is offered that a replay's browser, which knows of no other session, would not offer."""
_CACHES = ("Cache", "Code Cache", "Service Worker")
"""Of a kept profile: what is answered from there is missing from the recording, and no replay has it."""
_STATUS = "status"
_QUALITY = 80
_SHOWN_MS = 10_000
_SHOT_SECONDS = 10
_ABOUT = """() => {
  const said = (query) => matchMedia(query).matches;
  return {
    user_agent: navigator.userAgent, width: innerWidth, height: innerHeight, scale: devicePixelRatio,
    locale: navigator.language, languages: [...navigator.languages],
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    dark: said("(prefers-color-scheme: dark)"), reduced_motion: said("(prefers-reduced-motion: reduce)"),
  };
}"""


class Picture(NamedTuple):
    """A tab's screenshot (WebP), in device pixels."""

    data: bytes
    width: int
    height: int


class Fetched(NamedTuple):
    """A download that ended: `path` is its content, None where there is none (it was canceled, say)."""

    url: str
    name: str
    page: int | None
    path: Path | None


def find_chromium(env: Mapping[str, str]) -> str | None:
    """The program: `REENACT_CHROMIUM`, else the first of its names on the PATH; None: Playwright's own, if any."""
    if named := env.get("REENACT_CHROMIUM"):
        return named
    return next((found for name in PROGRAMS if (found := shutil.which(name, path=env.get("PATH")))), None)


class Chromium:
    """A running Chromium. `closed` is set when it has ended, by whomever, `empty` when its last tab was closed.

    `on_download` is called with each download that ended.
    """

    def __init__(self, orders: Orders, on_download: Callable[[Fetched], None]) -> None:
        self.closed = asyncio.Event()
        self.empty = asyncio.Event()
        self.held: bytes | None = None
        """Cookies and storage that its profile held before it was opened, as Playwright's storage state."""
        self._orders = orders
        self._on_download = on_download
        self._folder = Path(orders.folder) / FOLDER
        self._playwright: Playwright | None = None
        self._context: BrowserContext | None = None
        self._pages: list[Page] = []
        self._crashed: set[Page] = set()
        self._fetching: set[asyncio.Task[None]] = set()

    async def open(self) -> dict[str, Any]:
        """Opens it on an empty page. Returns what it says of itself (fields of BrowserStarted).

        Raises Unsupported where Playwright or Chromium is missing, RecordingFailed where it does not start.
        """
        try:
            from playwright.async_api import Error, async_playwright
        except ImportError:
            raise Unsupported(
                "recording a browser needs Playwright: pip install 'reenact[browser]'"
            ) from None
        orders = self._orders
        profile = Path(orders.profile) if orders.profile else self._folder / "profile"
        extension = self._prepare(profile)
        self._keep_driver()
        self._playwright = await async_playwright().start()
        program = find_chromium(os.environ) or self._playwright.chromium.executable_path
        if shutil.which(program) is None:
            await self.close()
            raise Unsupported(
                f"there is no Chromium at {program}; name one with REENACT_CHROMIUM, or install Debian's chromium"
            )
        if orders.profile:
            self.held = await holdings(self._playwright, program, profile)
        viewport: dict[str, Any] = {"no_viewport": True}
        if orders.headless:
            viewport = {"viewport": {"width": orders.size[0], "height": orders.size[1]}}
        try:
            self._context = await self._playwright.chromium.launch_persistent_context(
                profile,
                executable_path=self._wrapper(program),
                headless=orders.headless,
                args=self._arguments(extension),
                ignore_default_args=_NOT_A_PERSONS,
                chromium_sandbox=os.getuid() != 0,
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
                accept_downloads=True,
                downloads_path=self._folder / "downloads",
                **viewport,
            )
            context = self._context
            context.on("close", lambda _: self.closed.set())
            # Without a listener Playwright would dismiss what the person is to answer.
            context.on("dialog", lambda _: None)
            context.on("page", self._opened)
            for page in context.pages:
                self._opened(page)
            return await self._about()
        except Error as error:
            await self.close()
            raise RecordingFailed(
                f"Chromium ({program}) did not start: {_reason(error.message)}. "
                f"If another starts here, name it with REENACT_CHROMIUM."
            ) from error

    @property
    def session(self) -> int:
        """The session of processes in which all of the browser runs, and nothing else. Raises RecordingFailed."""
        path = self._folder / PID
        try:
            return os.getsid(int(path.read_text()))
        except (OSError, ValueError) as error:
            raise RecordingFailed(f"{path}: {error}; which process Chromium is, is unknown") from error

    @property
    def alive(self) -> bool:
        """Whether its process is there."""
        try:
            return Path("/proc", (self._folder / PID).read_text().strip()).exists()
        except OSError:
            return False

    @property
    def status(self) -> int | None:
        """The exit status of a browser that has ended; None where nobody saw it."""
        try:
            return int((self._folder / _STATUS).read_text())
        except (OSError, ValueError):
            return None

    async def go(self, url: str) -> None:
        """Goes to `url` in the first tab, as if it was typed there; what becomes of it is the page's to show."""
        from playwright.async_api import Error

        if self._pages:
            with suppress(Error):
                await self._pages[0].goto(url, wait_until="commit", timeout=60_000)

    async def another_tab(self, url: str) -> None:
        """Opens a tab and goes to `url` in it."""
        from playwright.async_api import Error

        if self._context is not None:
            with suppress(Error):
                page = await self._context.new_page()
                await page.goto(url, wait_until="commit", timeout=60_000)

    async def picture(self, tab: int, url: str) -> Picture | None:
        """What the `tab`-th tab (from 1) that shows `url` looks like; None where it cannot be had."""
        from playwright.async_api import Error

        page = self._page(tab, url)
        if page is None or self._context is None or page in self._crashed:
            return None
        try:
            async with asyncio.timeout(_SHOT_SECONDS):
                session = await self._context.new_cdp_session(page)
                shot = await session.send("Page.captureScreenshot", {"format": "webp", "quality": _QUALITY})
                await session.detach()
        except (Error, TimeoutError):
            return None
        data = base64.b64decode(shot["data"])
        size = _webp_size(data)
        return None if size is None else Picture(data, *size)

    async def close(self) -> None:
        """Ends it and waits for downloads that are being kept. Further calls do nothing."""
        from playwright.async_api import Error

        context, self._context = self._context, None
        if context is not None:
            with suppress(Error, TimeoutError):
                await asyncio.wait_for(context.close(), 20)
        for task in list(self._fetching):
            with suppress(Error, asyncio.CancelledError):
                await task
        if self._playwright is not None:
            (self._folder / PID).unlink(missing_ok=True)  # see `keeper`: it is to end, whatever became of it
            with suppress(Error):
                await self._playwright.stop()
            self._playwright = None

    # -- the inside -----------------------------------------------------------------------------

    def _prepare(self, profile: Path) -> Path:
        """Profile, extension and native host. Raises RecordingFailed."""
        try:
            before = [
                self._folder / last for last in ("profile", "extension")
            ]  # of this session's last browser
            for stale in [*before, *(profile / "Default" / name for name in _CACHES)]:
                if stale.exists():
                    remove_tree(stale)
            profile.mkdir(mode=0o700, parents=True, exist_ok=True)
            settings = profile / "Default" / "Preferences"
            if not settings.exists():
                settings.parent.mkdir(mode=0o700, exist_ok=True)
                settings.write_text(json.dumps(_SETTINGS))
            socket = Path(self._orders.folder) / CHANNEL
            hosts.place(profile / "NativeMessagingHosts", self._folder / "host", socket, EXTENSION_ID)
            return unpack(self._folder / "extension", seed=self._orders.seed)
        except OSError as error:
            raise RecordingFailed(f"{error.filename}: {error.strerror}; no browser can be opened") from error

    def _keep_driver(self) -> None:
        """Has Playwright start its driver by our keeper. Raises RecordingFailed."""
        import playwright

        node = os.environ.get("PLAYWRIGHT_NODEJS_PATH") or str(
            Path(playwright.__file__).parent / "driver" / "node"
        )
        path = self._folder / "node"
        words = [sys.executable, "-IS", str(Path(keeper.__file__).resolve()), str(self._folder / PID), node]
        try:
            (self._folder / PID).unlink(missing_ok=True)
            path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
            path.chmod(0o700)
        except OSError as error:
            raise RecordingFailed(f"{path}: {error.strerror}; no browser can be opened") from error
        os.environ["PLAYWRIGHT_NODEJS_PATH"] = str(path)

    def _wrapper(self, program: str) -> Path:
        """A program that starts the browser and tells which process it is, and how it ended. Raises RecordingFailed."""
        path = self._folder / "chromium"
        pid, status = (shlex.quote(str(self._folder / name)) for name in (PID, _STATUS))
        start = f'{shlex.quote(program)} "$@" &\necho $! >{pid}\nwait $!\n'
        try:
            (self._folder / _STATUS).unlink(missing_ok=True)
            path.write_text(f"#!/bin/sh\n{start}status=$?\necho $status >{status}\nexit $status\n")
            path.chmod(0o700)
        except OSError as error:
            raise RecordingFailed(f"{path}: {error.strerror}; no browser can be opened") from error
        return path

    def _arguments(self, extension: Path) -> list[str]:
        orders = self._orders
        arguments = [
            f"--disable-extensions-except={extension}",
            f"--load-extension={extension}",
            *_QUIET,
            "--disable-blink-features=AutomationControlled",  # a debugging pipe alone would set navigator.webdriver
            *orders.flags,
        ]
        if not orders.headless:
            arguments.append(f"--window-size={orders.size[0]},{orders.size[1]}")
        if orders.port is not None:
            arguments += [f"--remote-debugging-port={orders.port}", "--remote-debugging-address=127.0.0.1"]
        if orders.seed is not None:
            arguments.append(f"--js-flags=--random-seed={orders.seed}")
        return arguments

    async def _about(self) -> dict[str, Any]:
        assert self._context is not None
        page = self._pages[0] if self._pages else await self._context.new_page()
        session = await self._context.new_cdp_session(page)
        version = await session.send("Browser.getVersion")
        await session.detach()
        # A window has no size until it is shown.
        await page.wait_for_function("innerWidth > 0", timeout=_SHOWN_MS, polling=20)
        about: dict[str, Any] = await page.evaluate(_ABOUT)
        return {**about, "product": version["product"]}

    def _opened(self, page: Page) -> None:
        if page not in self._pages:
            self._pages.append(page)
            page.on("download", self._download)
            page.on("close", self._page_closed)
            # One that has crashed answers nothing until it is loaded again.
            page.on("crash", lambda page: self._crashed.add(page))
            page.on("framenavigated", lambda frame: self._crashed.discard(frame.page))

    def _page_closed(self, page: Page) -> None:
        if self._context is not None and not self._context.pages:
            self.empty.set()

    def _page(self, tab: int, url: str) -> Page | None:
        """Tabs are told by the extension, pages by Playwright: the same by their order, checked by their URL."""
        page = self._pages[tab - 1] if 0 < tab <= len(self._pages) else None
        if page is not None and page.url == url and not page.is_closed():
            return page
        same = [page for page in self._pages if page.url == url and not page.is_closed()]
        return same[0] if len(same) == 1 else None

    def _download(self, download: Download) -> None:
        task = asyncio.ensure_future(self._fetch(download))
        self._fetching.add(task)
        task.add_done_callback(self._fetching.discard)

    async def _fetch(self, download: Download) -> None:
        from playwright.async_api import Error

        path: Path | None = None
        with suppress(Error):
            path = await download.path()
        page = self._pages.index(download.page) + 1 if download.page in self._pages else None
        self._on_download(Fetched(download.url, download.suggested_filename, page, path))


def _reason(message: str) -> str:
    """Why a browser did not start, of what Playwright says: the last error that the browser printed, if any."""
    printed = [line.partition("[err] ")[2] for line in message.splitlines() if "[err] " in line]
    errors = [line.rpartition("] ")[2] for line in printed if ":ERROR:" in line or ":FATAL:" in line]
    said = (errors or printed or message.strip().splitlines() or ["it ended"])[-1]
    return said.strip().rstrip(".")[:300]


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a WebP file; None where it is none."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return None
    match data[12:16]:
        case b"VP8 ":
            return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(
                data[28:30], "little"
            ) & 0x3FFF
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None
