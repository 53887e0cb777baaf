"""Was what came back what had come back? Pure: (recorded, observed) in, verdicts out."""
