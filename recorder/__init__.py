"""Everything that makes a trace: sources that capture, a session that runs them, the trace itself."""
