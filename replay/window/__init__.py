"""A window in which a reviewer sees what a replayed browser shows."""
