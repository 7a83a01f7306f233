"""The record and its readers: what was measured, and from which file."""
