"""A client process that uploads a file in parallel parts, given only the id of the upload.

python -m tests.e2e.uploader BROKER_URL TOKEN UPLOAD_ID FILE [--die-after PARTS]
"""

import argparse
import base64
import hashlib
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

PARALLEL = 3
ROUNDS = 12


class Uploader:
    """Lists the missing parts, sends them and completes the upload, as a phone does."""

    def __init__(self, broker_url: str, token: str, upload_id: str, file: Path) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self.api = httpx.Client(base_url=broker_url, headers=headers, timeout=30)
        self.path = f"/api/uploads/{upload_id}/parts/"
        self.file = file
        self.sent = 0
        self.lock = threading.Lock()
        self.die_after = 0

    def run(self) -> int:
        """Upload the missing parts in a few rounds, then complete; print each step."""
        for _ in range(ROUNDS):
            progress = self.api.get(self.path).raise_for_status().json()
            arrived = [part["part_number"] for part in progress["parts"]]
            self.say(f"arrived {arrived}, missing {progress['missing']}")
            if not progress["missing"]:
                image = self.api.post(progress["complete_url"]).raise_for_status().json()
                self.say(f"completed {image['image_url']}")
                return 0
            with ThreadPoolExecutor(PARALLEL) as pool:
                list(pool.map(self.send, self.signed(progress)))
        return 1

    def signed(self, progress: dict[str, Any]) -> list[dict[str, Any]]:
        """Request signed URLs for the missing parts, with pinned digests."""
        size = progress["part_size"]
        self.part_size = size
        wanted = [
            {"part_number": number, "checksum_sha256": _digest(self.read(number))}
            for number in progress["missing"]
        ]
        answer = self.api.post(self.path, json={"parts": wanted}).raise_for_status()
        parts: list[dict[str, Any]] = answer.json()["parts"]
        return parts

    def read(self, number: int) -> bytes:
        """Return one part of the file."""
        with self.file.open("rb") as file:
            file.seek((number - 1) * self.part_size)
            return file.read(self.part_size)

    def send(self, part: dict[str, Any]) -> None:
        """Send one part. If the connection breaks, the next round sends it again."""
        number = part["part_number"]
        try:
            answer = httpx.put(
                part["url"], content=self.read(number), headers=part["headers"], timeout=30
            )
        except httpx.TransportError as error:
            self.say(f"cut part {number}: {type(error).__name__}")
            return
        self.say(f"sent part {number}: {answer.status_code}")
        with self.lock:
            self.sent += answer.status_code == 200
            if self.sent == self.die_after:
                self.say("died")
                os._exit(9)

    def say(self, line: str) -> None:
        """Print a whole line in one write."""
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("broker_url", "token", "upload_id"):
        parser.add_argument(name)
    parser.add_argument("file", type=Path)
    parser.add_argument("--die-after", type=int, default=0)
    arguments = vars(parser.parse_args())
    die_after = arguments.pop("die_after")
    uploader = Uploader(**arguments)
    uploader.die_after = die_after
    sys.exit(uploader.run())
