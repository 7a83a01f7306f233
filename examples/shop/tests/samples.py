"""What tests put in, and what they expect: the files in `data/`."""

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"


def sample(name: str) -> str:
    """The text of a file."""
    return (DATA / name).read_text(encoding="utf-8")


def sample_json(name: str) -> Any:
    """What a JSON file says."""
    return json.loads(sample(name))
