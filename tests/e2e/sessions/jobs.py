"""Job control and signals."""

from __future__ import annotations

import re

from expert import Expert
from scenario import SHELLS, session

TICKER = {
    "ticker.sh": "#!/bin/sh\ntrap 'echo caught; exit 3' INT\ntrap 'echo hup > hup.txt' HUP\n"
    "echo ready\nwhile :; do sleep 0.05; done\n",
    "counter.py": (
        "import time\nfor n in range(3):\n    print('count', n, flush=True)\n    time.sleep(0.05)\n"
    ),
}


@session(shells=SHELLS)
def interrupted_command(e: Expert) -> None:
    """Stops a command that would run for ever with ctrl-c."""
    e.line("sleep 1000")
    e.until(lambda: e.foreground() == "sleep", "sleep to run")
    e.press("ctrl-c")
    e.prompt()
    e.run("echo went on")


@session(files=TICKER, after={"code.txt": "3\n"})
def script_that_catches_ctrl_c(e: Expert) -> None:
    """A script handles the interrupt itself and ends with a status of its own."""
    e.line("./ticker.sh")
    e.expect("^ready$")
    e.press("ctrl-c")
    e.prompt()
    e.run("echo $? > code.txt")


@session(shells=("bash", "zsh"), after={"bg.txt": "done\n"})
def background_and_wait(e: Expert) -> None:
    """A job in the background, listed, then waited for."""
    e.run("(sleep 0.3; echo done > bg.txt) &")
    e.run("jobs")
    e.run("wait")
    e.run("cat bg.txt")


@session(shells=SHELLS)
def suspended_and_resumed(e: Expert) -> None:
    """Suspends a command with ctrl-z, looks at the jobs, brings it back, interrupts it."""
    e.line("cat")
    e.until(lambda: e.foreground() == "cat", "cat to run")
    e.line("hello")
    e.expect("hello\n+hello")
    e.press("ctrl-z")
    e.prompt()
    e.run("jobs")
    e.line("fg")
    e.until(lambda: e.foreground() == "cat", "cat to run again")
    e.line("again")
    e.expect("again\n+again")
    e.press("ctrl-d")
    e.prompt()
    e.run("echo after")


@session(shells=("bash", "zsh"))
def to_the_background_and_killed(e: Expert) -> None:
    """ctrl-z, bg, kill %1, wait for it."""
    e.line("sleep 500")
    e.until(lambda: e.foreground() == "sleep", "sleep to run")
    e.press("ctrl-z")
    e.prompt()
    e.run("bg")
    e.run("kill %1; wait %1 2>/dev/null; true")
    e.run("jobs")


@session(shells=("fish",), exit=1)
def to_the_background_and_killed_fish(e: Expert) -> None:
    """The same in fish."""
    e.line("sleep 500")
    e.until(lambda: e.foreground() == "sleep", "sleep to run")
    e.press("ctrl-z")
    e.prompt()
    e.run("bg")
    e.run("kill %1")
    e.run("wait")
    e.run("jobs")


@session(tools=("vim",), files={"f.txt": "one\n"}, after={"f.txt": "one\ntwo\n", "seen.txt": "one\n"})
def vim_suspended(e: Expert) -> None:
    """Leaves vim by ctrl-z in mid-edit, looks at the file on disk, comes back and saves."""
    e.line("vim f.txt")
    e.see(r"f\.txt.*1L")
    e.type("otwo")
    e.press("esc")
    e.gone("-- INSERT --")
    e.press("ctrl-z")
    e.prompt()
    e.run("cp f.txt seen.txt")
    e.line("fg")
    e.see(r"^two$")
    e.line(":wq")
    e.prompt()


@session(files=TICKER)
def output_from_the_background(e: Expert) -> None:
    """Lines of a background job arrive while the prompt waits."""
    e.run("python3 counter.py &")
    e.expect("count 2")
    e.run("wait; echo all done")


@session()
def several_jobs(e: Expert) -> None:
    """Three jobs at once, told apart by number; the second is killed, the rest waited for."""
    e.run("sleep 0.2 & sleep 100 & sleep 0.1 &")
    e.run("jobs | wc -l")
    e.run("kill %2; wait %2; echo second $?")
    e.run("wait; echo all $?")


@session(after={"trapped.txt": re.compile("TERM")})
def signals_between_processes(e: Expert) -> None:
    """A trap in a background shell, signalled by number and name."""
    e.run(
        "bash -c 'trap \"echo TERM > trapped.txt; exit 0\" TERM; echo > up; while :; do sleep 0.02; done' & "
        "while [ ! -e up ]; do :; done"
    )
    e.run("kill -TERM $!; wait $!")
    e.run("cat trapped.txt")
    e.run("bash -c 'kill -9 $$'")
    e.run("echo $?")


@session(files={"in.txt": "b\na\n"}, after={"sorted.txt": "a\nb\n"})
def pipeline_with_ctrl_d(e: Expert) -> None:
    """Feeds a pipeline from the keyboard until ctrl-d."""
    e.line("sort > sorted.txt")
    e.until(lambda: e.foreground() == "sort", "sort to run")
    e.line("b")
    e.line("a")
    e.press("ctrl-d")
    e.prompt()
    e.line("wc -l")
    e.until(lambda: e.foreground() == "wc", "wc to run")
    e.type("one\r")
    e.type("two")
    e.press("backspace", "backspace", "backspace")
    e.line("three")
    e.press("ctrl-d")
    e.prompt()


@session(shells=("bash",))
def quit_by_ctrl_backslash(e: Expert) -> None:
    """ctrl-backslash kills a command that catches ctrl-c."""
    e.run("ulimit -c 0")
    e.line("bash -c 'trap \"\" INT; echo deaf; sleep 100'")
    e.expect("^deaf$")
    e.until(lambda: e.foreground() == "sleep", "sleep to run")
    e.press("ctrl-c")
    e.expect(r"\^C")
    e.press("ctrl-\\")
    e.prompt()
    e.run("echo $?")


@session(files={"slow.sh": "#!/bin/sh\nfor i in 1 2 3 4 5 6; do echo step $i; sleep 0.05; done\n"})
def output_held_back(e: Expert) -> None:
    """Stops the output with ctrl-s and lets it go on with ctrl-q."""
    e.line("./slow.sh")
    e.expect("step 2")
    e.press("ctrl-s")
    e.press("ctrl-q")
    e.expect("step 6")
    e.prompt()


@session(
    files={"job.sh": "#!/bin/sh\necho started\nsleep 0.1\necho finished > result.txt\n"},
    after={"result.txt": "finished\n"},
)
def nohup_and_disown(e: Expert) -> None:
    """A job that outlives its shell's care."""
    e.run("nohup ./job.sh > job.log 2>&1 & disown")
    e.run("while [ ! -e result.txt ]; do sleep 0.02; done; tail -1 job.log")


@session(files={"t.sh": "#!/bin/bash\ntimeout 0.1 sleep 10; echo timeout gave $?\n"})
def time_limits(e: Expert) -> None:
    """timeout, and a shell variable that counts seconds."""
    e.run("./t.sh")
    e.run("timeout -s KILL 0.05 sleep 5; echo $?")
    e.run("SECONDS=0; echo $SECONDS")
