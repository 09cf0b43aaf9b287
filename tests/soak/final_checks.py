"""The checks after the load: the reaper finishes its work, then everything is compared."""

import asyncio
import subprocess
from collections import Counter
from typing import Any

from benchmarks.servers import ROOT
from benchmarks.servers.bucket import BUCKET
from broker.app import create_app
from broker.config import Settings
from tests.faults.invariants import check_invariants
from tests.soak.model import Known
from tests.soak.photos import VARIANTS
from tests.soak.stack import BROKER, DATABASE, Stack

# Time beyond the longest lifetime, for the reaper's interval and the backoff of deletions.
PATIENCE_SECONDS = 120
COMMAND_SECONDS = 300
ENDS = {
    "cancelled or expired": {"cancelled", "expired"},
    "kept": {"confirmed"},
    "kept or expired": {"confirmed", "expired"},
    "kept, cancelled or expired": {"confirmed", "cancelled", "expired"},
}


async def at_rest(stack: Stack) -> list[str]:
    """Wait until no upload, deletion or late object is left; return an error if some remain.

    No confirm runs any more, so deletions that wait for a slow confirm are made due now.
    """
    seconds = stack.lifetimes.longest + PATIENCE_SECONDS
    left: dict[str, int] = {}
    for _ in range(seconds):
        left = await asyncio.to_thread(_left, stack)
        if not any(left.values()):
            return []
        await asyncio.to_thread(_bring_forward, stack, seconds)
        await asyncio.sleep(1)
    return [f"the reaper left {left}"]


def compare(stack: Stack, known: list[Known]) -> tuple[str, list[str]]:
    """Compare models, rows and objects; return a one-line summary and the errors."""
    wrong = [*_images(stack, known), *_ends(stack, known)]
    for command in (["db", "verify"], ["reconcile", "--json"]):
        wrong += _run_command(stack, command)
    app = create_app(
        Settings(
            database_url=stack.postgres.url(DATABASE),
            s3_bucket=BUCKET,
            s3_endpoint_url=stack.s3.endpoint_url,
            jwt_secret=stack.secret,
        )
    )
    try:
        state = check_invariants(app, at_rest=True, client=stack.s3_client)
    finally:
        app.extensions["broker"].database.dispose()
    return str(state), wrong + state.violations


def _bring_forward(stack: Stack, seconds: int) -> None:
    """Make deletions due now that are due later than `seconds` from now."""
    with stack.postgres.connect(DATABASE) as connection:
        connection.execute(
            "UPDATE deletions SET not_before = now()"
            " WHERE not_before > now() + make_interval(secs => %s) AND attempts = 0",
            (seconds,),
        )


def _left(stack: Stack) -> dict[str, int]:
    """Count what the reaper must still handle."""
    with stack.postgres.connect(DATABASE) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM uploads WHERE state IN ('pending', 'processing')),"
            " (SELECT count(*) FROM deletions)"
        ).fetchone()
    unfinished, deletions = (int(row[0]), int(row[1])) if row else (0, 0)
    incoming = stack.s3_client.list_objects_v2(Bucket=BUCKET, Prefix="incoming/")
    return {"unfinished": unfinished, "deletions": deletions, "incoming": incoming["KeyCount"]}


def _images(stack: Stack, known: list[Known]) -> list[str]:
    """Compare the MD5 of every image that a client knows with its object in the bucket."""
    pages = stack.s3_client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    there = {
        item["Key"]: item["ETag"].strip('"') for page in pages for item in page.get("Contents", [])
    }
    wrong = []
    for key in _kept(stack, known):
        there.pop(f"media/{key}", None)
    for image in (image for one in known for image in one.images):
        if (found := there.pop(f"media/{image.key}", None)) != image.md5:
            wrong.append(f"object {image.key} has MD5 {found}, was sent {image.md5}")
        stem = f"media/{image.key.rpartition('.')[0]}"
        variants = [there.pop(f"{stem}_w{width}.webp", None) for width in VARIANTS]
        if variants[0] is None:
            wrong.append(f"object {image.key} has no variants")
    return wrong + [f"object {key} belongs to no client" for key in there]


def _kept(stack: Stack, known: list[Known]) -> list[str]:
    """Return the keys of images that the reaper has kept, and of their variants."""
    left = [upload for one in known for upload, end in one.ends.items() if "kept" in end]
    with stack.postgres.connect(DATABASE) as connection:
        rows = connection.execute(
            "SELECT key FROM images WHERE upload_id = ANY(%(left)s::uuid[])"
            " UNION ALL SELECT v.key FROM image_variants v JOIN images i ON i.id = v.image_id"
            " WHERE i.upload_id = ANY(%(left)s::uuid[])",
            {"left": left},
        ).fetchall()
    return [str(row[0]) for row in rows]


def _ends(stack: Stack, known: list[Known]) -> list[str]:
    """Compare the state of each upload with the state that its client expects."""
    with stack.postgres.connect(DATABASE) as connection:
        rows = connection.execute("SELECT id, state FROM uploads").fetchall()
    states: dict[str, Any] = {str(row[0]): row[1] for row in rows}
    wrong = []
    for upload, end in (item for one in known for item in one.ends.items()):
        state = states.pop(upload, None)
        if state not in ENDS.get(end, {end}):
            wrong.append(f"upload {upload} is {state}, expected {end}")
    # If the answer with a ticket was lost, no client knows it. Such an upload must have expired.
    others = Counter(states.values())
    others.pop("expired", None)
    return wrong + [
        f"{count} uploads that no client knows are {state}" for state, count in others.items()
    ]


def _run_command(stack: Stack, command: list[str]) -> list[str]:
    done = subprocess.run(
        [BROKER, *command],
        env=stack.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )
    if done.returncode == 0:
        return []
    return [f"broker {' '.join(command)}: {done.returncode} {done.stdout[-500:]} {done.stderr}"]
