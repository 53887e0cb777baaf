"""Reads a stream of events by httpx, as they come."""

import sys

import httpx

with httpx.stream("GET", f"{sys.argv[1]}/events") as answer:
    for line in answer.iter_lines():
        if line.startswith("data: "):
            print(line.strip(), flush=True)
