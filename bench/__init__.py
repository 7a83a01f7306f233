"""Measures Seatrial beside the plain Compose flow; every claim is a ratio from one run."""
