"""Upload or resume a file in a separate process, then print the peak memory.

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
    """Return this process's peak resident memory in bytes (proc(5): VmHWM)."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def main() -> None:
    """Print the peak memory, the first progress value and the image's URL on one line."""
    parser = argparse.ArgumentParser()
    for name in ("url", "token", "file"):
        parser.add_argument(name)
    parser.add_argument("--transport")
    parser.add_argument("--async", action="store_true", dest="is_async")
    parser.add_argument("--resume")
    parser.add_argument("--ad", type=int, default=1)
    parser.add_argument("--die-at", type=int, default=sys.maxsize)
    arguments = parser.parse_args()
    first: list[int] = []

    def watch(progress: Progress) -> None:
        first.append(progress.sent)
        if progress.sent >= arguments.die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    options: dict[str, Any] = {
        "ad": arguments.ad,
        "transport": arguments.transport,
        "on_progress": watch,
    }

    async def upload() -> Any:
        async with AsyncBroker(arguments.url, arguments.token) as broker:
            return await broker.upload(arguments.file, **options)

    if arguments.is_async:
        image = asyncio.run(upload())
    else:
        with Broker(arguments.url, arguments.token) as broker:
            if arguments.resume:
                image = broker.resume(arguments.resume, arguments.file, on_progress=watch)
            else:
                image = broker.upload(arguments.file, **options)
    sys.stdout.write(f"{peak()} {first[0] if first else 0} {image.image_url}\n")


if __name__ == "__main__":
    main()
