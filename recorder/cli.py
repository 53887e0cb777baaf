"""The command line. Composes the recorder; what reads traces is attached lazily, so that start-up stays fast."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from recorder.trace.errors import ReenactError, UsageError
from recorder.trace.printable import printable

_LAZY = {
    "pair": (
        "recorder.pairing.command:pair",
        "Record your own browser: the one that has Reenact's extension.",
    ),
    "import": ("recorder.imports.command:import_", "Make a trace of a HAR or of mitmproxy's flows."),
    "ls": ("replay.commands.cataloguing:ls", "List the traces of a folder."),
    "stats": ("replay.commands.cataloguing:stats", "Sum up the traces of a folder."),
    "show": ("replay.commands.listing:show", "Summarise a trace."),
    "steps": ("replay.commands.listing:steps_command", "List a trace's steps."),
    "inspect": ("replay.commands.listing:inspect", "Check a trace's integrity and say what it holds."),
    "play": ("replay.commands.playing:play", "Show what a terminal showed; execute nothing."),
    "replay": ("replay.commands.replaying:replay", "Do a trace again in a sandbox and say whether it holds."),
    "serve": ("replay.commands.serving:serve", "Answer from a trace's network, on this machine only."),
    "export": ("replay.commands.exporting:export", "Write a trace in another format."),
    "doctor": ("replay.commands.doctor:doctor", "Say what this machine can do, and what to install."),
}


class _NobodyReads(Exception):
    """Standard output was closed. Click would end with 1, which says that a replay diverged."""


class _Lazy(click.Group):
    """Commands whose modules are imported only when one is called."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _NobodyReads from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.commands, *_LAZY]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _LAZY:
            module, _, name = _LAZY[cmd_name][0].partition(":")
            command = getattr(importlib.import_module(module), name)
            assert isinstance(command, click.Command)
            return command
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        recording = [(name, command.get_short_help_str(80)) for name, command in self.commands.items()]
        lazy = [(name, home.startswith("recorder."), text) for name, (home, text) in _LAZY.items()]
        with formatter.section("Recording"):
            formatter.write_dl([*recording, *((name, text) for name, ours, text in lazy if ours)])
        with formatter.section("Reading and replaying"):
            formatter.write_dl([(name, text) for name, ours, text in lazy if not ours])


def _group_home() -> tuple[str | None, str, str]:
    from recorder.sources.proxy.session_group import support

    return support()


@click.group(
    cls=_Lazy,
    # `doctor` is the replayer's, which knows nothing of the recorder's sources.
    context_settings={"help_option_names": ["-h", "--help"], "obj": {"groups": _group_home}},
    epilog="Examples:\n\n\b\n  reenact record --task 'fix the failing test' --out fix.reenact\n"
    "  reenact replay fix.reenact\n  reenact steps fix.reenact --json\n\n"
    "Exit codes: 0 fine, 1 diverged, 2 usage, 3 trace rejected, 4 this machine can't, 5 recording incomplete, "
    "130 interrupted.",
)
@click.version_option(package_name="reenact")
def cli() -> None:
    """Record an expert's work, at a terminal and in a browser, as one trace, and prove it by doing the work again."""


@cli.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="Examples:\n\n\b\n  reenact record\n  reenact record --task 'find the leak' --out leak.reenact\n"
    "  reenact record --isolated -- bash --norc\n  reenact record --no-workspace -- python3\n\n"
    "Inside the session: reenact note TEXT, reenact mark [LABEL], reenact check -- COMMAND, reenact browse [URL].",
)
@click.option("--task", metavar="TEXT", help="What the session is to achieve, in a sentence.")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), help="The trace to write. [default: the trace folder]"
)
@click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    help="The working folder. [default: the repository or folder you are in]",
)
@click.option("--no-workspace", is_flag=True, help="Keep no files: terminal only.")
@click.option("--include-ignored", is_flag=True, help="Keep files that .gitignore leaves out, too.")
@click.option("--no-dotfiles", is_flag=True, help="Keep no settings of programs (.vimrc, .gitconfig …).")
@click.option(
    "--env", "names", multiple=True, metavar="NAME", help="Keep this environment variable, too (repeatable)."
)
@click.option(
    "--isolated",
    is_flag=True,
    help="Work on a copy, in the sandbox that replays: replays can be exact to the byte.",
)
@click.option(
    "--proxy",
    is_flag=True,
    help="Record the network too, through a proxy that the session's programs are pointed to (with --isolated whatever they heed, on every port). Opt-in.",
)
@click.option(
    "--browser",
    metavar="URL",
    help="Open a browser at URL, too, and record it and its network. `reenact browse URL` in the session does so later.",
)
@click.option("--headless", is_flag=True, help="With --browser: open no window, another program drives it.")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME",
    help="The value of this environment variable is a secret wherever it occurs (repeatable).",
)
@click.option(
    "--no-redact",
    is_flag=True,
    help="Keep everything as it is, secrets too: for traces that stay with you. By default what looks like a secret is replaced by a placeholder before it is written.",
)
@click.option(
    "--tools",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="With --isolated: show this folder to the session, read-only (repeatable).",
)
@click.option("--annotator", metavar="ID", help="Who records, as your data set names them.")
@click.option("--project", metavar="NAME", help="The project that the recording is for.")
@click.option("--consent", metavar="TEXT", help="What the annotator agreed to.")
@click.option("--licence", metavar="SPDX", help="Licence of the workspace's source.")
@click.option("--overwrite", is_flag=True, help="Replace the trace if it exists.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON on standard output at the end."
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def record(command: tuple[str, ...], as_json: bool, **options: Any) -> int:
    """Record a session: your shell (or COMMAND) until it exits, then seal one trace.

    Your shell runs as always, with your own settings. What you type where the terminal does not echo (passwords)
    is never stored.
    """
    from recorder import browsing, session
    from recorder.sessionfile import BrowserRequest, Request

    browser = options.pop("browser")
    headless = options.pop("headless")
    if headless and browser is None:
        raise UsageError("--headless is for --browser URL: there is no browser to open")
    if browser is not None:
        browser = BrowserRequest(url=browsing.address(browser), headless=headless)
    options["browser"] = browser
    options["proxy"] = options["proxy"] or browser is not None
    request = Request(argv=list(command) or None, cwd=Path.cwd(), **_renamed(options))
    done = session.record(request, say=_say, isolate=_isolation if request.isolated else None)
    if as_json:
        click.echo(json.dumps(done.as_dict()))
    return done.exit_code


@cli.command(
    epilog="Examples:\n\n\b\n  reenact browse https://shop.example --task 'order the book' --out order.reenact\n"
    "  reenact browse --headless --debugging-port 9222 http://127.0.0.1:8000/\n\n"
    "It ends when the browser is closed, or by Ctrl-C here."
)
@click.argument("url", required=False)
@click.option("--task", metavar="TEXT", help="What the session is to achieve, in a sentence.")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), help="The trace to write. [default: the trace folder]"
)
@click.option("--headless", is_flag=True, help="Open no window: another program drives it.")
@click.option(
    "--profile", metavar="NAME", help="Keep the browser's profile under this name. [default: a new one]"
)
@click.option(
    "--debugging-port",
    "port",
    type=click.IntRange(1, 65535),
    metavar="N",
    help="Let programs on this machine drive the browser, by Chrome's debugging protocol on this port.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    metavar="N",
    help="Seed of the pages' randomness. [default: by chance]",
)
@click.option(
    "--downloads",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Put what is downloaded here, too. [default: it is kept in the trace only]",
)
@click.option(
    "--no-proxy", is_flag=True, help="Do not record the network: the trace cannot be replayed then."
)
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME",
    help="The value of this environment variable is a secret wherever it occurs (repeatable).",
)
@click.option(
    "--no-redact", is_flag=True, help="Keep everything as it is, secrets too: for traces that stay with you."
)
@click.option("--annotator", metavar="ID", help="Who records, as your data set names them.")
@click.option("--project", metavar="NAME", help="The project that the recording is for.")
@click.option("--consent", metavar="TEXT", help="What the annotator agreed to.")
@click.option("--licence", metavar="SPDX", help="Licence of what is recorded.")
@click.option("--overwrite", is_flag=True, help="Replace the trace if it exists.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON on standard output at the end."
)
def browse(as_json: bool, **options: Any) -> int:
    """Record a browser: Chromium opens with a profile of its own, at URL; what you do in it becomes one trace.

    Passwords are masked in the page, before they leave it. Inside a session the browser is part of it; only options of
    the browser itself count there.
    """
    from recorder import browsing, desk
    from recorder.sessionfile import BrowserRequest, Request

    names = ("url", "headless", "profile", "port", "seed", "downloads")
    wanted = BrowserRequest(**{name: options.pop(name) for name in names})
    if wanted.url is not None:
        wanted.url = browsing.address(wanted.url)
    session = os.environ.get("REENACT_SESSION")
    if session and not os.environ.get("REENACT_NESTED"):
        desk.ask(Path(session), wanted)
        _say(desk.OPEN)
        return 0
    request = Request(
        argv=None, cwd=Path.cwd(), keep_workspace=False, keep_dotfiles=False, browser=wanted,
        proxy=not options.pop("no_proxy"), redact=not options.pop("no_redact"),
        secret_names=list(options.pop("secrets")), **options,
    )  # fmt: skip
    done = browsing.browse(request, say=_say)
    if as_json:
        click.echo(json.dumps(done.as_dict()))
    return done.exit_code


@cli.command(
    epilog="Example:\n\n\b\n  reenact recover ~/.local/share/reenact/traces/.sessions/2026-03-01-142530"
)
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), help="The trace to write. [default: the trace folder]"
)
@click.option("--overwrite", is_flag=True, help="Replace the trace if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on standard output.")
def recover(folder: Path, out: Path | None, overwrite: bool, as_json: bool) -> int:
    """Seal what is left of a session whose recorder died: FOLDER is its session folder."""
    from recorder import session

    done = session.recover(folder, out=out, overwrite=overwrite, say=_say)
    if as_json:
        click.echo(json.dumps(done.as_dict()))
    return done.exit_code


def _inside(name: str, help_text: str, example: str) -> None:
    @cli.command(
        name,
        help=help_text,
        epilog=f"Example:\n\n\b\n  {example}",
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )
    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    def run(words: tuple[str, ...]) -> None:
        folder = os.environ.get("REENACT_SESSION")
        shim = Path(folder, "shell", "bin", "reenact") if folder else None
        if shim is None or not shim.exists():
            raise UsageError(f"`reenact {name}` works inside a session; start one with `reenact record`")
        os.execv(shim, [str(shim), name, *words])


_inside(
    "note", "Inside a session: say why, in your own words.", "reenact note 'the log shows the port is taken'"
)
_inside("mark", "Inside a session: mark this moment.", "reenact mark reproduced")
_inside(
    "check", "Inside a session: run the outcome check; exit 0 earns the reward.", "reenact check -- pytest -q"
)


def _renamed(options: dict[str, Any]) -> dict[str, Any]:
    options["env_names"] = list(options.pop("names"))
    options["secret_names"] = list(options.pop("secrets"))
    options["redact"] = not options.pop("no_redact")
    options["tools"] = [path.absolute() for path in options.pop("tools")]
    options["keep_dotfiles"] = not options.pop("no_dotfiles")
    if options.pop("no_workspace"):
        if options["workspace"]:
            raise UsageError("--workspace and --no-workspace exclude each other")
        options["keep_workspace"] = False
    return options


def _isolation(*args: Any, **kwargs: Any) -> Any:
    """The replayer's sandbox, for --isolated. Only the command line may know both halves of the house."""
    from replay.sandbox import isolation

    return isolation.isolate(*args, **kwargs)


def _say(text: str) -> None:
    click.echo(f"reenact: {text}", err=True)


def main() -> None:
    """Runs the command line; the process exit code tells how it went (see `reenact --help`)."""
    try:
        code = cli.main(prog_name="reenact", standalone_mode=False)
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except ReenactError as error:
        click.echo(f"reenact: {printable(str(error), keep='\n')}", err=True)
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    except _NobodyReads:
        code = 141
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
