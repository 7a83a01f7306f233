"""Keeps Seatrial's own folder out of what the project's builds are sent.

A trial writes there before and while it builds. A step that copies the whole project would never
come from the cache, and the image would hold the records of all earlier trials.
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seatrial.evidence.dockerignore import find_ignore_file, read_ignore_file
from seatrial.stack.dockerfile import dockerfile_path
from seatrial.stack.model import Form
from seatrial.stack.patch import Change

__all__ = ["tell_left_out", "without_own_folder"]


def tell_left_out(form: Form, own: Path) -> Iterator[Change]:
    """What `without_own_folder` will change."""
    for name, raw in form["services"].items():
        if "build" in raw and _rules(raw["build"], own) is not None:
            yield Change(
                f"services.{name}.build",
                f"{own.name} is left out of what the builder is sent",
                "each trial writes there, so no step that copies it would come from the cache",
            )


@contextmanager
def without_own_folder(form: Form, services: Sequence[str], own: Path) -> Iterator[Form]:
    """A form whose builds of `services` leave out the folder `own`; it holds inside the block.

    The project's ignore rules apply as they stand, with one more. As the builder takes rules from
    beside the Dockerfile before it looks into the context, both are copied to a folder of ours.
    """
    changed = dict(form["services"])
    with tempfile.TemporaryDirectory(prefix="seatrial-build-") as folder:
        for number, name in enumerate(services):
            build = changed[name]["build"]
            rules = _rules(build, own)
            if rules is None:
                continue
            copied = Path(folder, str(number), (dockerfile_path(build) or Path("Dockerfile")).name)
            try:
                copied.parent.mkdir()
                copied.write_bytes(_read_dockerfile(build))
                copied.with_name(f"{copied.name}.dockerignore").write_text(rules, encoding="utf-8")
            except OSError:
                continue  # as the project has it: the builder says better what is wrong
            kept = {key: value for key, value in build.items() if key != "dockerfile_inline"}
            changed[name] = changed[name] | {"build": kept | {"dockerfile": str(copied)}}
        yield {**form, "services": changed}


def _rules(build: dict[str, Any], own: Path) -> str | None:
    """The rules that apply and one more; None if nothing of the folder would be sent as it is."""
    context = Path(build.get("context", ""))
    # Of links, the builder sends where they lead, which is nothing new.
    if not context.is_absolute() or not own.is_relative_to(context):
        return None
    place = own.relative_to(context).as_posix()
    file = find_ignore_file(context, dockerfile_path(build))
    try:
        text = file.read_text(encoding="utf-8") if file else ""
    except (OSError, UnicodeDecodeError):
        return None
    if read_ignore_file(text).leaves_out(place):
        return None
    return f"{text}\n{_escaped(place)}\n"


def _read_dockerfile(build: dict[str, Any]) -> bytes:
    file = dockerfile_path(build)
    return file.read_bytes() if file else str(build["dockerfile_inline"]).encode()


def _escaped(place: str) -> str:
    """As Go's `filepath.Match` takes it literally; after the slash, # and ! mean nothing either."""
    return "/" + re.sub(r"([*?\[\]\\])", r"\\\1", place)
