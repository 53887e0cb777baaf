"""What an expert's hands do without thinking: saving in an editor, leaving a pager, answering an editor's question."""

from __future__ import annotations

from expert import Expert, Lost


def full_screen(e: Expert, command: str, shows: str) -> None:
    """Starts a full-screen program and waits until it has the alternate screen and shows what it should."""
    e.line(command)
    e.until(lambda: e.glass.mode(1049), f"{command} to take the screen")
    e.see(shows)


def insert(e: Expert, keys: str, text: str) -> None:
    """vim: goes into insert mode by `keys`, types `text` (a newline is enter), and back to normal mode."""
    e.type(keys)
    e.see(r"-- INSERT --")
    for number, line in enumerate(text.split("\n")):
        if number:
            e.press("enter")
        e.type(line)
    normal(e)


def normal(e: Expert) -> None:
    """vim: back to normal mode."""
    e.press("esc")
    e.gone(r"-- (INSERT|VISUAL|VISUAL LINE|VISUAL BLOCK|REPLACE) --")


def ex(e: Expert, command: str, shows: str | None = None) -> None:
    """vim: types a command line."""
    e.type(":" + command)
    e.press("enter")
    if shows is not None:
        e.see(shows)


def save_and_quit(e: Expert, patience: float | None = None) -> str:
    """vim: `:wq`, then waits for the prompt."""
    ex(e, "wq")
    return e.prompt(patience)


def drop_line(e: Expert) -> None:
    """Gives up a half-typed line with ctrl-c; again where the shell was too busy to notice, as fish can be."""
    for _ in range(8):
        e.press("ctrl-c")
        try:
            e.prompt(1.0)
        except Lost:
            continue
        return
    raise Lost(f"ctrl-c does not drop the line\n{e.picture()}")
