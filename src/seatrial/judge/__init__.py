"""Decides, from evidence alone, whether a commit may ship."""
