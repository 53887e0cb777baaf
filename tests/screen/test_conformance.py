"""One table of probes that every emulator behind `Screen` must pass: what a modern terminal shows.

The expected screens are Ghostty's; where it lacks something (DECSTR), xterm's. Peers that are not installed
skip. A peer's own deviations are named, and must still deviate, so that the list stays true.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recorder.trace.screen import Screen

COLS, ROWS = 20, 5
Shown = tuple[list[str], tuple[int, int]]

E_ROW = "E" * COLS
A19 = "a" * 19

# name: (bytes, the rows down to the last one that is not empty, cursor)
PROBES: dict[str, tuple[bytes, list[str], tuple[int, int]]] = {
    # the alternate screen
    "alt1049": (b"main\x1b[?1049h\x1b[H\x1b[2Jalt\x1b[?1049l", ["main"], (4, 0)),
    "alt47": (b"main\x1b[?47h\x1b[Halt\x1b[?47l", ["main"], (3, 0)),
    # characters of two cells and of none
    "wide_overwrite": ("コンニ".encode() + b"\r" + b"x", ["x ンニ"], (1, 0)),
    "wide_wrap": (A19.encode() + "コ".encode(), [A19, "コ"], (2, 1)),
    "emoji_zwj": ("👩‍💻x".encode(), ["👩‍💻x"], (5, 0)),
    "vs16": ("❤️x".encode(), ["❤️x"], (2, 0)),
    "combining": ("e\u0301x".encode(), ["e\u0301x"], (2, 0)),
    # editing, repeating, scrolling
    "ech": (b"abcdef\r\x1b[3X", ["   def"], (0, 0)),
    "rep": (b"a\x1b[4b", ["aaaaa"], (5, 0)),
    "scrollup_SU": (b"1\r\n2\r\n3\x1b[2S", ["3"], (1, 2)),
    "scrolldown_SD": (b"1\r\n2\r\n3\x1b[2T", ["", "", "1", "2", "3"], (1, 2)),
    "cht_tab": (b"\x1b[2Ix", [" " * 16 + "x"], (17, 0)),
    "cbt": (b"\x1b[15Gx\x1b[1Zy", ["        y     x"], (9, 0)),
    "decstbm_il": (b"1\r\n2\r\n3\r\n4\r\n5\x1b[2;4r\x1b[2;1H\x1b[1L", ["1", "", "2", "3", "5"], (0, 1)),
    "decstbm_nl": (b"1\r\n2\r\n3\r\n4\r\n5\x1b[2;4r\x1b[4;1H\nX", ["1", "3", "4", "X", "5"], (1, 3)),
    # sequences that show nothing
    "truecolor_colon": (b"\x1b[38:2::255:0:0mR\x1b[0mN", ["RN"], (2, 0)),
    "truecolor_semi": (b"\x1b[38;2;255;0;0mR\x1b[0mN", ["RN"], (2, 0)),
    "underline_style": (b"\x1b[4:3mU\x1b[0mN", ["UN"], (2, 0)),
    "kitty_kbd": (b"a\x1b[>1ub\x1b[<uc", ["abc"], (3, 0)),
    "xtmodkeys": (b"a\x1b[>4;2mb", ["ab"], (2, 0)),
    "sync2026": (b"a\x1b[?2026hb\x1b[?2026lc", ["abc"], (3, 0)),
    "decrqm": (b"a\x1b[?2026$pb", ["ab"], (2, 0)),
    "xtversion": (b"a\x1b[>0qb", ["ab"], (2, 0)),
    "osc8": (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", ["link"], (4, 0)),
    "osc133": (b"\x1b]133;A\x07$ ", ["$"], (2, 0)),
    "osc52": (b"a\x1b]52;c;Zm9v\x07b", ["ab"], (2, 0)),
    "dcs_sixel": (b"a\x1bPq#0;2;0;0;0#0~~\x1b\\b", ["ab"], (2, 0)),
    "dcs_tmux": (b"a\x1bPtmux;\x1b\x1b]0;x\x07\x1b\\b", ["ab"], (2, 0)),
    "apc_kitty": (b"a\x1b_Gf=100;AAAA\x1b\\b", ["ab"], (2, 0)),
    "decscusr": (b"a\x1b[5 qb", ["ab"], (2, 0)),
    # cursor, wrap, charsets
    "decsc_rc": (b"ab\x1b7cd\x1b8X", ["abXd"], (3, 0)),
    "csi_su": (b"ab\x1b[scd\x1b[uX", ["abXd"], (3, 0)),
    "autowrap_pending": (b"12345678901234567890\rX", ["X2345678901234567890"], (1, 0)),
    "charset_dec": (b"\x1b(0lqk\x1b(B", ["┌─┐"], (3, 0)),
    "c1_csi": (b"a\xc2\x9b31mb", ["a31mb"], (5, 0)),
    "invalid_utf8": (b"a\xff\xfeb", ["a\ufffd\ufffdb"], (4, 0)),
    "split_utf8": (b"\xe3\x82", [], (0, 0)),
    "origin_mode": (b"\x1b[2;4r\x1b[?6h\x1b[1;1HX", ["", "X"], (1, 1)),
    "ind_ri": (b"\x1b[1;1H\x1bMtop", ["top"], (3, 0)),
    "bce": (b"\x1b[41m\x1b[2J", [], (0, 0)),
    "decaln": (b"\x1b#8", [E_ROW] * 5, (0, 0)),
    "nel": (b"a\x1bEb", ["a", "b"], (1, 1)),
    "irm": (b"abc\r\x1b[4hX", ["Xabc"], (1, 0)),
    "decstr": (b"\x1b[4h\x1b[!pabc\rX", ["Xbc"], (1, 0)),
    # beyond the 44 probes of the survey
    "wide_overwrite_right_half": ("コン".encode() + b"\x1b[2Gx", [" xン"], (2, 0)),
    "wide_erase_half": ("コンニ".encode() + b"\x1b[4G\x1b[K", ["コ"], (3, 0)),
    "wide_insert_split": ("コン".encode() + b"\x1b[2G\x1b[@", ["   ン"], (1, 0)),
    "wide_delete_split": ("コン".encode() + b"\x1b[2G\x1b[P", [" ン"], (1, 0)),
    "wide_pushed_off": (b"\x1b[19G" + "コ".encode() + b"\r\x1b[@", [], (0, 0)),
    "wide_rep": ("コ\x1b[2b".encode(), ["コココ"], (6, 0)),
    "combining_at_margin": (b"\x1b[20Ge" + "\u0301".encode() + b"x", [" " * 19 + "e\u0301", "x"], (1, 1)),
    "no_wrap": (b"\x1b[?7l" + b"a" * 25 + b"z", [A19 + "z"], (19, 0)),
    "wrap_after_style": (b"a" * 20 + b"\x1b[1mb", ["a" * 20, "b"], (1, 1)),
    "wrap_given_up_by_el": (b"a" * 20 + b"\x1b[K", [A19], (19, 0)),
    "margins_hold_only_inside": (b"\x1b[2;4r\x1b[5;1H\x1b[9A\x1b[1;1H\x1b[9Bx", ["", "", "", "x"], (1, 3)),
    "above_margins_moves_to_top": (b"\x1b[3;4r\x1b[2;1H\x1b[9Ax", ["x"], (1, 0)),
    "region_scroll": (b"1\r\n2\r\n3\r\n4\r\n5\x1b[2;3r\x1b[3;1H\n\nX", ["1", "", "X", "4", "5"], (1, 2)),
    "ed3_keeps_screen": (b"keep\x1b[3J", ["keep"], (4, 0)),
    "ed1": (b"aaa\r\nbbb\r\nccc\x1b[2;2H\x1b[1J", ["", "  b", "ccc"], (1, 1)),
    "tab_at_margin_keeps_wrap": (b"a" * 20 + b"\tb", ["a" * 20, "b"], (1, 1)),
    "tab_stops": (b"\x1b[3g\x1b[5G\x1bH\r\tx", ["    x"], (5, 0)),
    "lf_keeps_column": (b"ab\ncd", ["ab", "  cd"], (4, 1)),
    "lnm": (b"\x1b[20hab\ncd", ["ab", "cd"], (2, 1)),
    "ris": (b"abc\x1b[?1049h\x1b[4hx\x1bcy", ["y"], (1, 0)),
    "c0_inside_csi": (b"ab\x1b[1\r;3Hx", ["abx"], (3, 0)),
    "can_ends_csi": (b"a\x1b[1\x18b", ["ab"], (2, 0)),
    "can_ends_osc": (b"a\x1b]0;title\x18b", ["ab"], (2, 0)),
    "esc_ends_osc": (b"a\x1b]0;title\x1b[3Gb", ["a b"], (3, 0)),
    "esc_restarts": (b"a\x1b\x1b[3Gb", ["a b"], (3, 0)),
    "pm_sos": (b"a\x1b^pm\x1b\\b\x1bXsos\x1b\\c", ["abc"], (3, 0)),
    "unknown_intermediate": (b"a\x1b[1;2'zb\x1b%Gc", ["abc"], (3, 0)),
    "shift_out": (b"\x1b)0q\x0eq\x0fq", ["q─q"], (3, 0)),
    "saved_charset": (b"\x1b7\x1b(0\x1b8q", ["q"], (1, 0)),
    "del_and_nul": (b"a\x7f\x00b", ["ab"], (2, 0)),
    "huge_numbers": (b"\x1b[99999999999;99999999999Hx\x1b[99999999999A", [*[""] * 4, " " * 19 + "x"], (19, 0)),
    "long_lines": (b"".join(b"%d\r\n" % n for n in range(50)), ["46", "47", "48", "49"], (0, 4)),
    "prefix_in_the_middle": (b"a\x1b[1?2Jb", ["ab"], (2, 0)),
    "dl_outside_margins": (b"1\r\n2\r\n3\x1b[2;3r\x1b[1;1H\x1b[M", ["1", "2", "3"], (0, 0)),
    "rep_without_character": (b"\x1b[5b", [], (0, 0)),
    "alt_1047_cleared_on_leaving": (b"\x1b[?1047hx\x1b[?1047l\x1b[?1047h", [], (1, 0)),
    "1048": (b"ab\x1b[?1048hcd\x1b[?1048lX", ["abXd"], (3, 0)),
    "underline_colour_is_no_attribute": (b"\x1b[58;5;5mx\x1b[58:2::1:2:3my", ["xy"], (2, 0)),
}  # fmt: skip


def ours(data: bytes) -> Shown:
    screen = Screen(COLS, ROWS)
    screen.feed(data)
    return list(screen.lines()), screen.cursor


def ghostty(data: bytes) -> Shown:
    module = pytest.importorskip("pyghostty", reason="pyghostty is not installed")
    with module.Terminal(cols=COLS, rows=ROWS) as terminal:
        terminal.feed(data)
        lines = [line.rstrip(" ") for line in terminal.text().split("\n")]
        return (lines + [""] * ROWS)[:ROWS], tuple(terminal.cursor)


def avt(data: bytes) -> Shown:
    module = pytest.importorskip("avt", reason="pyavt is not installed")
    terminal = module.Vt(COLS, ROWS)
    terminal.feed_str(data.decode("utf-8", "replace"))
    cursor = terminal.cursor
    x, y = (cursor.col, cursor.row) if hasattr(cursor, "col") else cursor[:2]
    return [str(line.text).rstrip(" ") for line in terminal.view()], (min(x, COLS - 1), y)


PEERS: dict[str, tuple[Callable[[bytes], Shown], dict[str, str]]] = {
    "ours": (ours, {}),
    "ghostty": (ghostty, {"decstr": "has no DECSTR", "del_and_nul": "shows DEL"}),
    "avt": (
        avt,
        {
            "emoji_zwj": "a joiner takes a cell",
            "vs16": "a variation selector takes a cell",
            "combining": "a combining character takes a cell",
            "combining_at_margin": "a combining character takes a cell",
            "c1_csi": "obeys C1 controls in UTF-8",
            "split_utf8": "takes text, not bytes",
            "wide_pushed_off": "keeps halves of wide characters",
            "wide_rep": "has no REP of wide characters",
            "wrap_given_up_by_el": "EL keeps a pending wrap",
            "tab_at_margin_keeps_wrap": "HT gives up a pending wrap",
            "saved_charset": "does not save charsets",
            "del_and_nul": "shows DEL",
            "dl_outside_margins": "DL works outside the margins",
        },
    ),
}
TMUX_DEVIATIONS: dict[str, str] = {
    "emoji_zwj": "joins emoji into one cell pair",
    "cht_tab": "has no CHT",
    "charset_dec": "captures line drawing as letters",
    "shift_out": "captures line drawing as letters",
    "invalid_utf8": "drops invalid bytes",
    "decstr": "keeps insert mode",
    "wide_overwrite_right_half": "keeps halves of wide characters",
    "wide_erase_half": "keeps halves of wide characters",
    "wide_insert_split": "keeps halves of wide characters",
    "wide_delete_split": "keeps halves of wide characters",
    "wide_pushed_off": "keeps halves of wide characters",
    "wide_rep": "has no REP of wide characters",
    "wrap_given_up_by_el": "EL keeps a pending wrap",
    "lnm": "has no LNM",
    "huge_numbers": "ignores numbers that overflow",
    "dl_outside_margins": "DL works outside the margins",
    "1048": "has no mode 1048",
}


def expected(name: str) -> Shown:
    _, lines, cursor = PROBES[name]
    return [*lines, *[""] * (ROWS - len(lines))], cursor


@pytest.mark.parametrize("name", PROBES)
@pytest.mark.parametrize("peer", PEERS)
def test_screen_and_cursor(peer: str, name: str) -> None:
    run, deviations = PEERS[peer]
    shown = run(PROBES[name][0])
    if name in deviations:
        assert shown != expected(name), f"{peer} no longer deviates: {deviations[name]}"
    else:
        assert shown == expected(name)


@pytest.mark.parametrize("name", PROBES)
def test_byte_by_byte(name: str) -> None:
    screen = Screen(COLS, ROWS)
    for byte in PROBES[name][0]:
        screen.feed(bytes([byte]))
    assert (list(screen.lines()), screen.cursor) == expected(name)


@pytest.fixture(scope="module")
def tmux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[bytes, Shown], Shown]]:
    """Shows bytes in a tmux pane; gives what it shows once that is what is expected, or after ten seconds."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    folder = tmp_path_factory.mktemp("tmux")
    server = ["tmux", "-S", str(folder / "socket"), "-f", "/dev/null"]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    environment.pop("TMUX", None)

    def call(*arguments: str) -> str:
        done = subprocess.run(
            [*server, *arguments], capture_output=True, env=environment, timeout=20, check=True
        )
        return done.stdout.decode()

    count = 0

    def show(data: bytes, wanted: Shown) -> Shown:
        nonlocal count
        count += 1
        source = Path(folder, f"{count}.raw")
        source.write_bytes(data)
        done = Path(folder, f"{count}.done")
        command = f"stty raw -echo; cat {shlex.quote(str(source))}; : > {done}; exec sleep 1000"
        name = f"s{count}"
        call(
            "-u",
            "new-session",
            "-d",
            "-s",
            name,
            "-x",
            str(COLS),
            "-y",
            str(ROWS),
            command,
            ";",
            "set",
            "status",
            "off",
        )
        deadline = time.monotonic() + 10
        while True:
            lines = call("capture-pane", "-p", "-t", name).split("\n")
            x, y = map(int, call("display", "-p", "-t", name, "#{cursor_x} #{cursor_y}").split())
            shown = [line.rstrip(" ") for line in (lines + [""] * ROWS)[:ROWS]], (min(x, COLS - 1), y)
            if (done.exists() and shown == wanted) or time.monotonic() > deadline:
                call("kill-session", "-t", name)
                return shown

    call("-u", "new-session", "-d", "-s", "keep", "-x", str(COLS), "-y", str(ROWS), "sleep 1000")
    call("set", "-g", "status", "off")
    yield show
    call("kill-server")


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PROBES if name not in TMUX_DEVIATIONS])
def test_tmux_agrees(name: str, tmux: Callable[[bytes, Shown], Shown]) -> None:
    assert tmux(PROBES[name][0], expected(name)) == expected(name)
