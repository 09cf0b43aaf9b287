"""Run the soak, print its table and store the table in `.soak/`."""

import argparse
import asyncio
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.servers import ROOT
from broker.local.process import ServerNotInstalled
from tests.soak.run import Plan, run
from tests.soak.stack import Lifetimes, running
from tests.soak.table import markdown

RESULTS = ROOT / ".soak"
SECONDS_MIN = 10


def main() -> int:
    """Return 0 if the run found no error, 1 if it did, 2 if a program is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="of load (default %(default)s)")
    parser.add_argument(
        "--peak",
        type=float,
        default=15,
        help="seconds in which the peak rate is measured (default %(default)s)",
    )
    parser.add_argument(
        "--clients", type=int, default=24, help="at the same time (default %(default)s)"
    )
    parser.add_argument(
        "--bucket-away", type=float, default=20, help="seconds (default %(default)s)"
    )
    parser.add_argument(
        "--ttl", type=int, default=60, help="lifetime of a ticket in seconds (default %(default)s)"
    )
    parser.add_argument(
        "--lease",
        type=float,
        help="seconds after which others take the photos of killed workers (default a minute)",
    )
    parser.add_argument(
        "--reap",
        choices=["confirm", "delete"],
        default="confirm",
        help="what becomes of abandoned photos that have arrived (default %(default)s)",
    )
    asked = parser.parse_args()
    plan = Plan(
        seconds=max(SECONDS_MIN, asked.seconds),
        peak_seconds=asked.peak,
        clients=max(2, asked.clients),
        bucket_away=min(asked.bucket_away, asked.seconds / 2),
        lease_seconds=asked.lease,
    )
    RESULTS.mkdir(exist_ok=True)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="soak-") as directory,
            running(
                Path(directory),
                Lifetimes(ttl=asked.ttl, grace=asked.ttl // 2, reap_every=max(1, asked.ttl // 12)),
                reap=asked.reap,
            ) as stack,
        ):
            result = asyncio.run(run(stack, plan))
            table = markdown(stack, result)
            for log in Path(directory).glob("*.log"):
                (RESULTS / log.name).write_bytes(log.read_bytes())
    except ServerNotInstalled as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(table)
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    (RESULTS / f"{moment}.md").write_text(table)
    return 1 if result.findings else 0


if __name__ == "__main__":
    sys.exit(main())
