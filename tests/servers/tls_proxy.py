"""A TLS proxy in front of a plain HTTP server, with a self-signed certificate."""

import asyncio
import contextlib
import ssl
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from urllib.parse import urlsplit

CHUNK = 64 * 1024


def self_signed(directory: Path) -> tuple[Path, Path]:
    """Create a certificate and a key for localhost."""
    certificate, key = directory / "localhost.crt", directory / "localhost.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-out", certificate, "-keyout", key),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return certificate, key


@contextlib.contextmanager
def tls_proxy(endpoint_url: str, certificate: Path, key: Path, port: int = 0) -> Iterator[str]:
    """Forward to a server; yield the https URL on localhost."""
    target = urlsplit(endpoint_url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    ready: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, sink = await asyncio.open_connection(target.hostname, target.port)
        sending = asyncio.create_task(_pump(reader, sink))
        await _pump(upstream, writer)
        sending.cancel()
        await asyncio.wait([sending])

    async def serve() -> None:
        server = await asyncio.start_server(forward, "127.0.0.1", port, ssl=context)
        stopped = asyncio.Event()
        ready.set_result((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), stopped))
        async with server:
            await stopped.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    listening, loop, stopped = ready.result(timeout=30)
    try:
        yield f"https://localhost:{listening}"
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Forward until the source ends, then close the sink, including TLS close_notify."""
    with contextlib.suppress(OSError):
        try:
            while data := await source.read(CHUNK):
                sink.write(data)
                await sink.drain()
        finally:
            sink.close()
            await sink.wait_closed()
