"""An engine that behaves like a real one, with one container and no machine behind it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from seatrial.engine.api import Engine, ExecResult

Answer = Callable[[int], ExecResult | Exception | None]
"""Given the number of the exec, from 1: its result, what it raises, or None: it never ends."""


class FakeEngine(Engine):
    """Answers for one container; the real class's connection is not used."""

    def __init__(
        self,
        *,
        config: Mapping[str, Any] | None = None,
        args: Sequence[str] = (),
        addresses: Sequence[str] = (),
        answer: Answer = lambda _: ExecResult(0, ""),
        archive: bytes = b"",
    ) -> None:
        self.inspected = {
            "Config": dict(config or {}),
            "Args": list(args),
            "NetworkSettings": {
                "Networks": {f"n{i}": {"IPAddress": ip} for i, ip in enumerate(addresses)}
            },
        }
        self.commands: list[tuple[str, ...]] = []
        self.asked = asyncio.Event()
        """A command was run in the container."""
        self.put: list[tuple[str, bytes]] = []
        self._answer = answer
        self._archive = archive
        self._ended: asyncio.Future[int] | None = None

    def end(self, code: int) -> None:
        """Let the container end."""
        self._end().set_result(code)

    def _end(self) -> "asyncio.Future[int]":
        if self._ended is None:
            self._ended = asyncio.get_running_loop().create_future()
        return self._ended

    async def inspect(self, container: str) -> dict[str, Any]:
        return self.inspected

    async def wait(self, container: str) -> int:
        return await asyncio.shield(self._end())

    async def exec(
        self,
        container: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        timeout_s: float,
    ) -> ExecResult:
        self.commands.append(tuple(command))
        self.asked.set()
        result = self._answer(len(self.commands))
        if isinstance(result, Exception):
            raise result
        if result is None:
            async with asyncio.timeout(timeout_s):
                await asyncio.Event().wait()
        assert result is not None
        return result

    async def get_archive(self, container: str, path: str) -> AsyncIterator[bytes]:
        for start in range(0, len(self._archive), 1 << 16):
            yield self._archive[start : start + (1 << 16)]

    async def put_archive(
        self, container: str, path: str, archive: bytes | AsyncIterator[bytes]
    ) -> None:
        if not isinstance(archive, bytes):
            archive = b"".join([piece async for piece in archive])
        self.put.append((path, archive))
