"""What goes into containers fits the oldest Python and needs nothing that may be missing there."""

import re
import sys
from pathlib import Path

import pytest
import vermin

from seatrial import probe

OLDEST_PYTHON = (3, 8)
FOLDER = Path(probe.__file__).parent
FILES = sorted([*FOLDER.glob("seatrial_*.py"), *FOLDER.glob("children/*.py")])


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_a_file_for_containers_uses_no_syntax_or_library_of_a_newer_python(file: Path) -> None:
    config = vermin.Config()
    # Its annotations are never evaluated: `from __future__ import annotations` stands at its top.
    config.set_eval_annotations(False)
    source = file.read_text(encoding="utf-8")

    _, least = vermin.visit(source, config, str(file)).minimum_versions()

    assert "from __future__ import annotations" in source
    assert least <= OLDEST_PYTHON


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_a_file_for_containers_needs_only_the_standard_library_and_what_it_is_about(
    file: Path,
) -> None:
    imported = re.findall(r"^(?:import|from) (\w+)", file.read_text("utf-8"), re.MULTILINE)

    about = {
        "seatrial_probe": {"pytest", "seatrial_guard"},
        "seatrial_guard": {"pytest", "_pytest"},
        "seatrial_share": {"pytest"},
        "seatrial_trace": {"pytest"},
        "seatrial_coverage": {"coverage"},
    }
    assert set(imported) <= {*sys.stdlib_module_names, *about.get(file.stem, ())}
