"""Sea trials for Python projects: measured, checkable evidence before a commit ships."""

__all__ = ["__version__"]

__version__ = "0.1.0"
