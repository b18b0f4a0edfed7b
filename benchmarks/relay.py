"""A TCP relay on loopback: a longer way at the same bandwidth, and a place to change what passes."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from selectors import SelectSelector

HOST = "127.0.0.1"
CHUNK = 1 << 18
ROOM = 1 << 24
MAX_UNDER_WAY = 256
"""Chunks; before the sender is slowed down, much more than an SCP ever has under way."""

END = b""

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)

Translate = Callable[[bytes], bytes]


def unchanged(content: bytes) -> bytes:
    return content


def no_translation() -> tuple[Translate, Translate]:
    return unchanged, unchanged


@contextmanager
def relaying(
    port: int, delay: float = 0.0, translations: Callable[[], tuple[Translate, Translate]] = no_translation
) -> Iterator[int]:
    """Relay connections to a port of this machine; give the port to connect to.

    Parameters
    ----------
    port : int
        Where the server listens.
    delay : float
        Seconds that each byte takes each way.
    translations : callable
        Makes, for each connection, what changes the bytes of the client and those of the server.
    """
    # Of the selectors, this one sleeps for fractions of a millisecond.
    loop = asyncio.SelectorEventLoop(SelectSelector())

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(HOST, port, limit=ROOM)
        outwards, homewards = translations()
        with closing(writer), closing(far_writer), suppress(asyncio.CancelledError):
            await asyncio.gather(
                _carry(_read(reader, writer), far_writer, delay, outwards),
                _carry(_read(far_reader, far_writer), writer, delay, homewards),
            )

    server = loop.run_until_complete(asyncio.start_server(relay, HOST, 0, limit=ROOM))
    thread = threading.Thread(target=loop.run_forever, name="relay")
    thread.start()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(_end_all())
        loop.close()


async def _end_all() -> None:
    """End what is still under way, and let its connections close."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    """Read from a connection as one would without a relay: no sender waits for a late acknowledgement."""
    connection = writer.get_extra_info("socket")
    while content := await reader.read(CHUNK):
        if _QUICKACK is not None:
            connection.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        yield content


async def _carry(
    coming: AsyncIterator[bytes], writer: asyncio.StreamWriter, delay: float, translate: Translate
) -> None:
    """Take one direction's bytes over, each after its delay; its end, or its reset, too."""
    now = asyncio.get_running_loop().time
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(MAX_UNDER_WAY)
    delivering = asyncio.create_task(_deliver(under_way, writer))
    end = writer.close
    try:
        async for content in coming:
            await under_way.put((now() + delay, translate(content)))
    except ConnectionError:
        end = partial(_reset, writer)
    await under_way.put((now() + delay, END))
    await delivering
    end()


async def _deliver(under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    now = asyncio.get_running_loop().time
    while True:
        due, content = await under_way.get()
        await asyncio.sleep(due - now())
        if content is END:
            return
        if not writer.is_closing():
            writer.write(content)
            with suppress(ConnectionError):
                await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
