"""Many clients with slow connections at once: each sends its photo at 1 Mbit/s.

The socket buffers are small, as on a real connection. If the server does not read, the client has
to wait, and it does not catch up by sending faster later.
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from benchmarks.load.wrk import LoadFailed
from benchmarks.plan import SLOW_BYTES_PER_SECOND

TICK = 0.25  # seconds between two pieces; a shorter time would take CPU from the servers
SEND_BUFFER = 32 * 1024
ARRIVE_WITHIN = 2.0  # all clients start within these seconds
PROBE_EVERY, PROBE_TIMEOUT = 0.5, 2.0


@dataclass
class Crowd:
    """The results of all clients."""

    finished: int = 0
    sending: int = 0
    sending_most: int = 0
    seconds: float = 0.0
    api_seconds: list[float] = field(default_factory=list)
    transfer_seconds: list[float] = field(default_factory=list)
    probes: list[float | None] = field(default_factory=list)

    def start_sending(self) -> None:
        """Count a client that starts to send."""
        self.sending += 1
        self.sending_most = max(self.sending_most, self.sending)

    def stop_sending(self) -> None:
        """Count a client that has finished sending."""
        self.sending -= 1


OneClient = Callable[[int, Crowd], Awaitable[None]]


async def crowd(one: OneClient, clients: int, window: float, api_port: int) -> Crowd:
    """Run all clients at once; cancel those that have not finished after `window` seconds.

    At the same time, request /healthz from the API, like another user with small requests.
    """
    result = Crowd()

    async def arrive(number: int) -> None:
        await asyncio.sleep(number / clients * ARRIVE_WITHIN)
        await one(number, result)
        result.finished += 1

    began = time.perf_counter()
    tasks = [asyncio.create_task(arrive(number)) for number in range(clients)]
    prober = asyncio.create_task(_probe(api_port, result))
    done, pending = await asyncio.wait(tasks, timeout=window, return_when=asyncio.FIRST_EXCEPTION)
    result.seconds = time.perf_counter() - began
    for task in (*pending, prober):
        task.cancel()
    await asyncio.gather(*pending, prober, return_exceptions=True)
    for task in done:
        if (error := task.exception()) is not None:
            raise LoadFailed(f"a slow client failed: {error!r}") from error
    return result


async def ask(port: int, request: bytes) -> bytes:
    """Send one request on a new connection at full speed; return the body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await _answer(reader)
    finally:
        writer.close()


async def send_slowly(url: str, body: bytes, content_type: str, state: Crowd) -> bytes:
    """POST a body at 1 Mbit/s; return the body of the answer."""
    parts = urlsplit(url)
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    line.setblocking(False)
    await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", parts.port or 80))
    reader, writer = await asyncio.open_connection(sock=line)
    writer.transport.set_write_buffer_limits(high=SEND_BUFFER)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    state.start_sending()
    first = time.perf_counter()
    try:
        writer.write(head.encode())
        piece = int(SLOW_BYTES_PER_SECOND * TICK)
        for begin in range(0, len(body), piece):
            began = time.perf_counter()
            writer.write(body[begin : begin + piece])
            await writer.drain()
            await asyncio.sleep(max(0.0, TICK - (time.perf_counter() - began)))
        answer = await _answer(reader)
        state.transfer_seconds.append(time.perf_counter() - first)
        return answer
    finally:
        state.stop_sending()
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    headers = {
        name.lower(): value.strip()
        for name, colon, value in (x.partition(":") for x in lines)
        if colon
    }
    if "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body = await reader.read(65_536)
    if first.split(" ")[1][:1] != "2":
        raise LoadFailed(f"{first} {body[:300]!r}")
    return body


async def _probe(port: int, result: Crowd) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    while True:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(PROBE_TIMEOUT):
                await ask(port, request)
            result.probes.append(time.perf_counter() - began)
        except TimeoutError:
            result.probes.append(None)
        await asyncio.sleep(PROBE_EVERY)
