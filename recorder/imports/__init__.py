"""Traces made of other tools' recordings of a network: each format becomes exchanges, these one sealed trace."""
