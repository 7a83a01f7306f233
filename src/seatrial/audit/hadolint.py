"""hadolint's findings in Dockerfiles, by its own program."""

from collections.abc import Sequence
from pathlib import Path

from seatrial.audit.foreign import Tool, ToolFault, ask
from seatrial.audit.sources import Source
from seatrial.evidence.audit import AuditFinding, Severity

__all__ = ["NAME", "ask_hadolint"]

NAME = "hadolint"
_LEVELS = {"error": Severity.MEDIUM, "warning": Severity.LOW}
"""Its errors are of style and portability; what does harm has a rule of ours."""
_MAX = 200


async def ask_hadolint(tool: Tool, sources: Sequence[Source]) -> list[AuditFinding]:
    """Ask for all Dockerfiles.

    The project's own configuration and ignore comments do not count: they need no reason.

    Raises:
        ToolFault: it gave no findings.
    """
    config = Path(tool.folder) / "hadolint.yaml"
    config.write_text("ignored: []\n", encoding="utf-8")
    arguments = [
        *("--config", str(config), "--format", "json", "--no-fail", "--no-color"),
        *("--disable-ignore-pragma", "-"),
    ]
    findings = []
    for source in sources:
        answer = await ask(tool, arguments, stdin=source.text.encode())
        try:
            findings += [
                AuditFinding(
                    rule=f"{NAME}/{one['code']}",
                    severity=_LEVELS.get(one["level"], Severity.NOTE),
                    file=source.file,
                    line=int(one["line"]),
                    what=str(one["message"]),
                    why=f"hadolint's rule {one['code']}, level {one['level']}",
                    fix=_page(str(one["code"])),
                )
                for one in answer[:_MAX]
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise ToolFault("its answer has another form") from error
    return findings


def _page(code: str) -> str:
    if code.startswith("SC"):
        return f"see https://www.shellcheck.net/wiki/{code}"
    return f"see https://github.com/hadolint/hadolint/wiki/{code}"
