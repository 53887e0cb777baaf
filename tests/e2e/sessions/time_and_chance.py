"""What differs from run to run: clocks, random numbers, process ids, temporary names, timings."""

from __future__ import annotations

import re

from expert import Expert
from scenario import SHELLS, session


@session(shells=SHELLS, after={"today.txt": re.compile(r"^\d{4}-\d\d-\d\d$")})
def the_date(e: Expert) -> None:
    """The date and time of day."""
    e.run("date +%F > today.txt")
    e.run("date")
    e.run("date -u +%FT%TZ")
    e.run("date -d '2024-05-06 12:00 +2 days' +%A")
    e.run("python3 -c 'import datetime; print(datetime.datetime.now().strftime(\"%Y-%m-%d %H:%M\"))'")


@session(
    files={
        "stamp.py": (
            "import logging, time\n"
            "logging.basicConfig(format='%(asctime)s %(message)s', level=20)\n"
            "for n in range(3):\n"
            "    logging.info('tick %d', n)\n"
            "    time.sleep(0.02)\n"
        )
    }
)
def log_with_timestamps(e: Expert) -> None:
    """A program that logs with time stamps to the millisecond."""
    e.run("python3 stamp.py")
    e.run("python3 stamp.py 2>&1 | cut -c 1-10 | sort -u")


@session(shells=("bash", "zsh"), deterministic=False)
def random_numbers(e: Expert) -> None:
    """$RANDOM, shuf, /dev/urandom, uuid and Python's random."""
    e.run("echo $RANDOM $RANDOM")
    e.run("shuf -i 1-10 | head -3")
    e.run("head -c 8 /dev/urandom | od -An -tx1")
    e.run("python3 -c 'import random, uuid; print(random.random(), uuid.uuid4())'")
    e.run("cat /proc/sys/kernel/random/uuid")


@session(after={"seeded.txt": "[10, 1, 0, 4]\n"})
def seeded_randomness(e: Expert) -> None:
    """Random numbers from a seed, which are the same each time."""
    e.run(
        "python3 -c 'import random; r = random.Random(42); print([r.randrange(11) for _ in range(4)])' > seeded.txt"
    )
    e.run("RANDOM=7; echo $RANDOM $RANDOM")
    e.run("shuf -i 1-5 --random-source=<(yes)")
    e.run("awk 'BEGIN { srand(1); print (rand() < 1) }'")


@session(shells=("bash", "zsh"), deterministic=False)
def process_ids(e: Expert) -> None:
    """Process ids in all the places where they show."""
    e.run("echo $$ $PPID")
    e.run("sleep 0.01 & echo $!; wait")
    e.run("bash -c 'echo $$'")
    e.run("python3 -c 'import os; print(os.getpid())'")
    e.run("ps -o pid=,comm= | wc -l")


@session(deterministic=False, after={"kept.txt": "x\n"})
def temporary_files(e: Expert) -> None:
    """mktemp, TMPDIR, a temporary folder removed afterwards."""
    e.run("t=$(mktemp); echo x > $t; cp $t kept.txt; rm $t; echo $t")
    e.run("d=$(mktemp -d -p .); ls -d $d; rmdir $d")
    e.run("mktemp -u name.XXXXXX")


@session()
def timings(e: Expert) -> None:
    """time, by the shell and by Python: durations differ, the rest does not."""
    e.run("time sleep 0.05")
    e.run("time -p true")
    e.run("python3 -m timeit -n 1 -r 1 pass | wc -l")


@session(after={"listing.txt": re.compile("a.txt")})
def times_of_files(e: Expert) -> None:
    """Listings with modification times, made now, long ago, and compared."""
    e.run("touch a.txt; touch -d '2020-02-02 02:02 UTC' old.txt")
    e.run("ls -l --time-style=+%Y old.txt | cut -d' ' -f6-")
    e.run("ls -l > listing.txt; ls -lt")
    e.run("[ a.txt -nt old.txt ] && echo newer")
    e.run("stat -c %y old.txt; find . -name '*.txt' -newer old.txt | sort")


@session()
def the_machine(e: Expert) -> None:
    """Who and where: user, host, kernel, locale, folders of the system."""
    e.run("whoami; id -un | wc -l")
    e.run("uname -s; hostname | wc -l")
    e.run("echo $LANG $TZ $USER; locale charmap")
    e.run("ls -d /etc /usr/bin; nproc | grep -c .")
    e.run("echo ~ | grep -c home; cd ~ && cd - > /dev/null")


@session(
    files={"par.sh": ("#!/bin/bash\nfor i in 1 2 3 4; do (echo worker $i) & done\nwait\n")},
    deterministic=False,
)
def parallel_output(e: Expert) -> None:
    """Workers in parallel whose lines come in any order."""
    e.run("./par.sh")
    e.run("./par.sh | sort")
    e.run("seq 4 | xargs -P 4 -I{} echo {} | sort")


@session(after={"set.txt": "['a', 'b', 'c']\n"})
def hash_order(e: Expert) -> None:
    """Python's set order, which a hash seed decides."""
    e.run("python3 -c \"print(sorted({'b', 'a', 'c'}))\" > set.txt")
    e.run("PYTHONHASHSEED=0 python3 -c \"print({'b', 'a', 'c'})\"")
