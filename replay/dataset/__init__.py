"""Traces as rows that training stacks load. Pure: what reads a trace is given, what is written is returned.

`trajectory` makes the native row of a trace, `formats` has one module for each format made of it.
"""
