from datetime import date

from ledger import Entry, month_total, running_balance

ENTRIES = [
    Entry(date(2024, 1, 31), 1000),
    Entry(date(2024, 2, 1), 250),
    Entry(date(2024, 2, 29), -75),
    Entry(date(2024, 12, 31), 40),
    Entry(date(2025, 1, 1), 7),
]


def test_months_do_not_overlap():
    assert month_total(ENTRIES, 2024, 1) == 1000
    assert month_total(ENTRIES, 2024, 2) == 175


def test_december_ends_with_the_year():
    assert month_total(ENTRIES, 2024, 12) == 40


def test_running_balance():
    assert running_balance(ENTRIES)[-1] == (date(2025, 1, 1), 1222)
