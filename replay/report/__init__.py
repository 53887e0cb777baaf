"""Showing people what was recorded and what a replay found."""
