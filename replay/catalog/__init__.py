"""The catalog: what the traces of a folder say of themselves, in an index that may be thrown away at any time."""
