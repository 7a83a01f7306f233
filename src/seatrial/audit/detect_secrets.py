"""detect-secrets' findings in files and in an image's history, by its own program, offline."""

from collections.abc import Sequence
from pathlib import Path

from seatrial.audit.foreign import Tool, ToolFault, ask
from seatrial.audit.image_history import HISTORY
from seatrial.audit.sources import Source
from seatrial.evidence.audit import AuditFinding, Severity

__all__ = ["NAME", "ask_detect_secrets"]

NAME = "detect-secrets"
_GUESSES = {
    "Secret Keyword": Severity.LOW,
    "Basic Auth Credentials": Severity.LOW,
    "Base64 High Entropy String": Severity.LOW,
    "Hex High Entropy String": Severity.LOW,
    "Public IP (ipv4)": Severity.NOTE,
}
"""By names and by chance; its other detectors know the very form of one service's keys."""
_ALLOWLIST = "detect_secrets.filters.allowlist.is_line_allowlisted"
_MAX = 200


async def ask_detect_secrets(tool: Tool, sources: Sequence[Source]) -> list[AuditFinding]:
    """Ask for all files; the project's own allowlist comments do not count.

    It is given copies under names of ours, with the endings that it knows kinds of files by.

    Raises:
        ToolFault: it gave no findings.
    """
    folder = Path(tool.folder) / "secrets"
    folder.mkdir(exist_ok=True)
    names = {}
    for number, source in enumerate(sources):
        name = f"{number:03d}{_ending(source.file)}"
        (folder / name).write_text(source.text, encoding="utf-8", errors="replace")
        names[f"secrets/{name}"] = source.file
    if not names:
        return []
    answer = await ask(
        tool,
        ["scan", "--all-files", "--no-verify", "--disable-filter", _ALLOWLIST, *names],
    )
    try:
        return [
            AuditFinding(
                rule=f"{NAME}/{_rule(one['type'])}",
                severity=_GUESSES.get(one["type"], Severity.HIGH),
                file=names[path],
                line=int(one["line_number"]),
                what=f"looks like a secret: {one['type']}",
                why="whoever can read the file has the secret",
                fix="take it out, and replace it where it is in use: history keeps it",
            )
            for path, found in answer["results"].items()
            for one in found[:_MAX]
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ToolFault("its answer has another form") from error


def _ending(file: str) -> str:
    name = file.rsplit("/", 1)[-1].lower()
    if name.endswith((".yml", ".yaml")):
        return ".yaml"
    if file == HISTORY:
        return ".conf"  # elsewhere it takes only what is in quotes for a value
    return ".env" if "env" in name else ".txt"


def _rule(kind: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in kind.lower()).split())
