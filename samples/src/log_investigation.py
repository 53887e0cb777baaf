"""A log investigation with less, grep and awk: who made the service slow between three and four?"""

from __future__ import annotations

import random

from expert import Expert
from habits import full_screen
from scenario import session

LINES = 2000
PATHS = ("/api/items", "/api/items/17", "/api/orders", "/login", "/health")
TENANTS = ("acme", "birch", "cobalt", "delta")


def log() -> str:
    """Two thousand lines of one night. From 03:10 on the exports of `cobalt` take the database's connections."""
    chance = random.Random(20240506)
    lines = []
    for number in range(LINES):
        seconds = number * 9
        at = f"2024-05-06T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"
        tenant, path, took = chance.choice(TENANTS), chance.choice(PATHS), chance.randrange(4, 60)
        bad_hour = 3 * 3600 + 600 <= seconds < 4 * 3600
        if bad_hour and chance.random() < 0.2:
            tenant, path, took = "cobalt", "/api/export?all=1", chance.randrange(9_000, 30_000)
            lines.append(f"{at} INFO  request tenant={tenant} path={path} status=200 ms={took}")
        elif bad_hour and chance.random() < 0.35:
            lines.append(
                f"{at} ERROR pool exhausted: 20 of 20 connections busy tenant={tenant} path={path} status=503 ms=5000"
            )
        elif chance.random() < 0.02:
            lines.append(f"{at} WARN  slow query tenant={tenant} path={path} status=200 ms={took * 20}")
        else:
            lines.append(f"{at} INFO  request tenant={tenant} path={path} status=200 ms={took}")
    return "\n".join(lines) + "\n"


@session(
    files={"service.log": log(), "README": "Customers say that the shop was down during the night. Why?\n"},
    tools=("less",),
    needs_recorder=True,
    after={"cause.txt": "tenant=cobalt path=/api/export?all=1\n"},
)
def sample_log_investigation(e: Expert) -> None:
    """Errors begin at 03:10; busy connections; the only new thing then is one tenant's export of everything."""
    e.run("cat README; wc -l service.log")
    e.run("awk '{ print $2 }' service.log | sort | uniq -c")
    e.run("grep ERROR service.log | cut -c 12-15 | sort | uniq -c")
    full_screen(e, "less service.log", "2024-05-06T00:00:00Z")
    e.type("/ERROR")
    e.press("enter")
    e.see("pool exhausted")
    e.type("n")
    e.type("-S")
    e.see("[Cc]hop long lines")
    e.press("enter")
    e.gone("[Cc]hop long lines")
    e.type("?export")
    e.press("enter")
    e.see(r"api/export")
    e.type("G")
    e.see(r"\(END\)")
    e.type("q")
    e.prompt()
    e.run("reenact note 'The pool runs out at 03:10. What holds connections for long from then on?'")
    e.run(
        "awk -F'ms=' '$2 > 6000 { print $1 }' service.log | awk '{ print $4, $5 }' | sort | uniq -c | sort -rn"
    )
    e.run("grep -c 'tenant=cobalt path=/api/export' service.log")
    e.run("grep 'api/export' service.log | sed -n '1p;$p'")
    e.run("reenact mark 'cause found'")
    e.run("grep -o 'tenant=[a-z]* path=/api/export[^ ]*' service.log | sort -u | tee cause.txt")
    e.run("reenact check -- test $(wc -l < cause.txt) -eq 1")
