"""The real program on a real engine: what a user does, and what is left afterwards."""
