"""What to run, where and in which order: measured durations, shares of workers, affected tests."""
