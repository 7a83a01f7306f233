import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from seatrial.drill.proxy import EngineProxy, engine_proxy


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[EngineProxy]:
    """Before a server that sends back what it is sent, and `end` when that has ended."""

    ended: list[asyncio.Event] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = asyncio.Event()
        ended.append(mine)
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(1 << 16):
                writer.write(chunk)
                await writer.drain()
            writer.write(b"end")
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        mine.set()

    server = await asyncio.start_unix_server(echo, tmp_path / "engine.sock")
    async with engine_proxy(tmp_path / "proxy.sock", tmp_path / "engine.sock") as made:
        yield made
    server.close()
    for event in ended:
        await event.wait()


async def test_bytes_go_both_ways_and_so_does_the_end_of_each(proxy: EngineProxy) -> None:
    reader, writer = await asyncio.open_unix_connection(proxy.path)
    text = b"x" * (1 << 20)

    async def send() -> None:
        writer.write(text)
        await writer.drain()
        writer.write_eof()

    received, _ = await asyncio.gather(reader.read(-1), send())

    assert received == text + b"end"
    writer.close()


async def test_a_cut_drops_open_connections_and_refuses_new_ones(proxy: EngineProxy) -> None:
    reader, writer = await asyncio.open_unix_connection(proxy.path)
    writer.write(b"x")
    assert await reader.read(1) == b"x"

    proxy.cut()

    with contextlib.suppress(ConnectionError):  # or an end, as it was idle or not
        assert await reader.read(1) == b""
    with pytest.raises(OSError, match=r"refused|No such file"):
        await asyncio.open_unix_connection(proxy.path)
    writer.close()


async def test_after_a_cut_it_can_listen_again(proxy: EngineProxy) -> None:
    proxy.cut()
    await proxy.listen()

    reader, writer = await asyncio.open_unix_connection(proxy.path)
    writer.write(b"x")
    assert await reader.read(1) == b"x"
    writer.close()


async def test_without_an_engine_behind_it_connections_just_end(tmp_path: Path) -> None:
    async with engine_proxy(tmp_path / "proxy.sock", tmp_path / "nothing.sock") as proxy:
        reader, writer = await asyncio.open_unix_connection(proxy.path)

        assert await reader.read(1) == b""
        writer.close()
