"""Whether a file that an attestation covers is there, and is what was signed."""

import hashlib
import os
import stat
from pathlib import Path, PurePosixPath

__all__ = ["covered_fault"]


def covered_fault(folder: Path, name: str, sha256: str) -> str:
    """Why a file below a folder is not the one of that digest; empty: it is."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        return "its path leads out of the folder"
    try:
        real = (folder / path).resolve(strict=True)
        if not real.is_relative_to(folder.resolve()):
            return "its path leads out of the folder"
        # Not to be held up by a pipe that nobody writes to.
        with os.fdopen(os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return "it is no file"
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return "it is not there"
    except (OSError, RuntimeError, ValueError) as error:
        return f"it cannot be read: {getattr(error, 'strerror', None) or error}"
    return "" if found == sha256 else "it has another content"
