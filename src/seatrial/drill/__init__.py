"""Rehearses failures: breaks a throwaway copy of the project, and looks at what happens."""
