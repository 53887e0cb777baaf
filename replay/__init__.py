"""Everything that reads a trace: plan, sandbox, players, verdicts, reports, exports."""
