"""What to run: reads the canonical form of the compose files and patches it for a trial."""
