"""Sessions that sleep, which a replay need not: it skips what nothing else could happen in."""

from __future__ import annotations

from expert import Expert
from scenario import SHELLS, session


@session(shells=SHELLS)
def sleeps_in_the_foreground(e: Expert) -> None:
    """Sleeps by several programs, one after the other, in a pipeline and in a loop."""
    e.run("sleep 1; echo slept")
    e.run("sleep 0.8 | sleep 1.2; echo both")
    e.run("python3 -c 'import time; time.sleep(1); print(\"awake\")'")
    e.run("perl -e 'sleep 1; print \"awake\\n\"'")


@session(shells=("bash", "zsh"))
def ticking_loop(e: Expert) -> None:
    """A loop that shows a line every now and then."""
    e.run("n=0; while sleep 0.1; do n=$((n+1)); echo tick $n; [ $n = 20 ] && break; done")
    e.run("echo $n")


@session(shells=("bash", "zsh"))
def interrupted_long_sleep(e: Expert) -> None:
    """A sleep interrupted at once, another after output, a third with a line typed ahead."""
    e.line("sleep 60")
    e.until(lambda: e.foreground() == "sleep", "sleep to run")
    e.press("ctrl-c")
    e.prompt()
    e.run("echo $?")
    e.line("echo before; sleep 1; echo between; sleep 60")
    e.expect("^between$")
    e.until(lambda: e.foreground() == "sleep", "sleep to run")
    e.press("ctrl-c")
    e.prompt()
    e.run("echo $?")
    e.line("sleep 1.5; echo first > order.txt")
    e.until(lambda: e.foreground() == "sleep", "sleep to run")
    e.line("echo second >> order.txt")
    e.prompt(times=2)
    e.run("cat order.txt")


@session(shells=("bash",), after={"order.txt": "first\nlater\nlate\n"})
def sleepers_in_the_background(e: Expert) -> None:
    """Jobs that end one after the other while the shell waits, and while its prompt does."""
    late = "(sleep 1.5; echo late >> order.txt) & (sleep 1; echo later >> order.txt) &"
    e.run(f"{late} sleep 0.5; echo first > order.txt; wait")
    e.run("cat order.txt")
    e.line("(sleep 1.5; echo from be''hind) &")
    e.expect("from behind")
    e.press("enter")
    e.prompt()
    e.run("echo after")


@session()
def sleeps_that_are_cut_short(e: Expert) -> None:
    """timeout, an alarm, a signal from another process."""
    e.run("timeout 1 sleep 5; echo $?")
    e.run("perl -e 'alarm 1; sleep 5'; echo $?")
    e.run('perl -e \'$SIG{ALRM} = sub { print "rang\\n" }; alarm 1; sleep 5; print "up\\n"\'')
    e.run("bash -c 'trap \"echo caught; exit 4\" TERM; (sleep 0.5; kill $$) & sleep 2 & wait $!'; echo $?")
    e.run("read -t 1 x; echo $?")


@session()
def time_of_a_sleep(e: Expert) -> None:
    """What `time` says of a sleep."""
    e.run("time sleep 1")
    e.run("SECONDS=0; sleep 2; echo $SECONDS")
    e.run("touch a; sleep 1.2; touch b; [ b -nt a ] && echo newer")


@session(
    files={
        "threads.py": "import threading, time\n"
        "def work(n):\n    time.sleep(n / 2)\n    print('worker', n, flush=True)\n"
        "workers = [threading.Thread(target=work, args=(n,)) for n in (3, 1, 2)]\n"
        "for worker in workers: worker.start()\nfor worker in workers: worker.join()\nprint('joined')\n"
    }
)
def sleeping_threads(e: Expert) -> None:
    """Threads of a program that sleep for different times."""
    e.run("python3 threads.py")


@session(tools=("watch",))
def watched_file(e: Expert) -> None:
    """`watch` shows a file again and again, until a job changes it."""
    e.run("echo one > f; (sleep 1; echo two > f) &")
    e.line("watch -n 0.5 -t cat f")
    e.see("^two")
    e.press("ctrl-c")
    e.prompt()
    e.run("cat f")
