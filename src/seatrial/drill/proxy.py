"""Stands between a program and the engine's socket, and can cut the two off from each other."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

__all__ = ["EngineProxy", "engine_proxy"]

_CHUNK = 1 << 16


class EngineProxy:
    """Passes bytes on, both ways, until it is cut."""

    def __init__(self, path: Path, engine: Path) -> None:
        self.path = path
        """The socket that it listens on."""
        self._engine = engine
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Accept connections, for the first time or again."""
        self.path.unlink(missing_ok=True)  # of the time before
        self._server = await asyncio.start_unix_server(self._connected, self.path)

    def cut(self) -> None:
        """Drop all connections and refuse new ones, as an engine does that has just ended."""
        if self._server:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()
        for task in self._passing:
            task.cancel()

    async def close(self) -> None:
        """Cut, and wait until nothing is passed on any more."""
        self.cut()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._passing.add(task)
        self._writers.add(writer)
        try:
            there, back = await asyncio.open_unix_connection(self._engine)
            self._writers.add(back)
            try:
                # A hijacked connection is used in both directions, each with its own end.
                await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
            finally:
                self._close(back)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._close(writer)
            if task:
                self._passing.discard(task)

    def _close(self, writer: asyncio.StreamWriter) -> None:
        writer.close()
        self._writers.discard(writer)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    if writer.can_write_eof():
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()


@contextlib.asynccontextmanager
async def engine_proxy(path: Path, engine: Path) -> AsyncIterator[EngineProxy]:
    """A proxy at `path` of the engine that listens at `engine`; both are sockets."""
    proxy = EngineProxy(path, engine)
    await proxy.listen()
    try:
        yield proxy
    finally:
        await proxy.close()
