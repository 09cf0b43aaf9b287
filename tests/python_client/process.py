"""The client in a process of its own: uploads or resumes a file, then tells its peak memory.

python -m tests.python_client.process URL TOKEN FILE [options]
"""

import argparse
import asyncio
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

from broker_client import AsyncBroker, Broker, Progress


def peak() -> int:
    """Give the most memory that this process has had resident, in bytes (proc(5): VmHWM)."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def main() -> None:
    """Do as told, with one line of JSON-like words at the end."""
    parser = argparse.ArgumentParser()
    for name in ("url", "token", "file"):
        parser.add_argument(name)
    parser.add_argument("--transport")
    parser.add_argument("--async", action="store_true", dest="is_async")
    parser.add_argument("--resume")
    parser.add_argument("--ad", type=int, default=1)
    parser.add_argument("--die-at", type=int, default=sys.maxsize)
    told = parser.parse_args()
    first: list[int] = []

    def watch(progress: Progress) -> None:
        first.append(progress.sent)
        if progress.sent >= told.die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    options: dict[str, Any] = {"ad": told.ad, "transport": told.transport, "on_progress": watch}

    async def upload() -> Any:
        async with AsyncBroker(told.url, told.token) as broker:
            return await broker.upload(told.file, **options)

    if told.is_async:
        image = asyncio.run(upload())
    else:
        with Broker(told.url, told.token) as broker:
            if told.resume:
                image = broker.resume(told.resume, told.file, on_progress=watch)
            else:
                image = broker.upload(told.file, **options)
    sys.stdout.write(f"{peak()} {first[0] if first else 0} {image.image_url}\n")


if __name__ == "__main__":
    main()
