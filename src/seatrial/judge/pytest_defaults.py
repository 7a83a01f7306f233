"""Where pytest looks for tests if a project's configuration does not say otherwise."""

__all__ = ["NORECURSEDIRS", "PYTHON_FILES"]

PYTHON_FILES = ("test_*.py", "*_test.py")
NORECURSEDIRS = ("*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}")
