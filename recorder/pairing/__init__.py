"""The expert's own browser: what is set up for it once, and the session that records it."""
