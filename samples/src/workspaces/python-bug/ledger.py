"""Balances of an account over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Entry:
    day: date
    cents: int


def month_total(entries: list[Entry], year: int, month: int) -> int:
    """The sum of a month's entries, in cents."""
    begin = date(year, month, 1)
    end = date(year + month // 12, month % 12 + 1, 1)
    return sum(entry.cents for entry in entries if begin <= entry.day <= end)


def running_balance(entries: list[Entry]) -> list[tuple[date, int]]:
    """The balance after each day that has an entry, oldest first."""
    balance = 0
    days: dict[date, int] = {}
    for entry in sorted(entries, key=lambda e: e.day):
        balance += entry.cents
        days[entry.day] = balance
    return list(days.items())
