"""A terminal that remembers what was printed on it."""

import io

from seatrial.report.text import console


class Screen:
    """Without colour and of a fixed width."""

    def __init__(self, width: int = 120) -> None:
        self.out = console(color=False, width=width)
        self._file = io.StringIO()
        self.out.file = self._file

    @property
    def text(self) -> str:
        """All that was printed."""
        return self._file.getvalue()

    @property
    def lines(self) -> list[str]:
        """Without the spaces at their ends."""
        return [line.rstrip() for line in self.text.splitlines()]
