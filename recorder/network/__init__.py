"""Requests and answers on their way into a trace, whoever saw them: their bodies, and the secrets in them."""
