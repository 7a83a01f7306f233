"""Reads an approval that somebody else wrote, and holds each claim in it against evidence."""
