"""Traces in other formats, one module each. Pure: they take events and a way to read blobs, and return bytes."""
