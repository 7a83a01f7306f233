"""The file that goes into the test container; nothing here imports pytest."""

from pathlib import Path

__all__ = ["probe_source"]


def probe_source() -> bytes:
    """The probe's source code."""
    return (Path(__file__).parent / "seatrial_probe.py").read_bytes()
