"""`python -m benchmarks`: measures all rows, or some, and writes the table."""

import argparse
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType

from benchmarks import plan as plans
from benchmarks import table
from benchmarks.bench import Bench, bench
from benchmarks.machine import describe
from benchmarks.plan import Plan
from benchmarks.prepare import NotPrepared, prepare
from benchmarks.rounds import say
from benchmarks.rows import (
    batch,
    confirm,
    listing,
    memory,
    parts,
    photo,
    profile,
    serving,
    slow,
    ticket,
)
from benchmarks.servers import ROOT
from benchmarks.table import Section
from broker.local.process import ServerError

ROWS: dict[str, Callable[[Bench], Section]] = {
    "ticket": ticket.run,
    "batch": batch.run,
    "confirm": confirm.run,
    "parts": parts.run,
    "listing": listing.run,
    "photo": photo.run,
    "slow": slow.run,
    "memory": memory.run,
    "serving": serving.run,
    "profile": profile.run,
}
RESULTS = ROOT / "benchmarks/results"


def main() -> int:
    """Measure; gives 1 where a row could not be measured, missed targets are no failure."""
    options = _options()
    signal.signal(signal.SIGTERM, _stop)
    _allow_many_connections()
    plan = plans.QUICK if options.quick else plans.FULL
    given = {name: getattr(options, name) for name in ("rounds", "seconds")}
    given["sizes"] = tuple(options.sizes) if options.sizes else None
    plan = replace(plan, **{name: value for name, value in given.items() if value is not None})
    try:
        prepare()
        with bench(plan, options.data_dir) as running:
            machine = describe(running)
            sections, failed = _measure(running, options.only or list(ROWS))
    except (NotPrepared, ServerError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("stopped: nothing is written, everything that was started has ended")
        return 130
    name = time.strftime("%Y%m%d-%H%M%S", time.gmtime()) + ("-quick" if plan.quick else "")
    remarks = _remarks(plan, sections, failed)
    paths = table.write(options.results, name, machine, sections, remarks)
    sys.stdout.write(table.markdown(machine, sections, remarks))
    sys.stdout.write("".join(f"\nwritten: {path}" for path in paths) + "\n")
    return 1 if failed else 0


def _measure(running: Bench, names: list[str]) -> tuple[list[Section], dict[str, str]]:
    """Measure row by row; a row that fails is told, and the others go on."""
    sections, failed = [], {}
    for name in names:
        began = time.monotonic()
        say(f"{name}:")
        try:
            sections.append(ROWS[name](running))
        except Exception as error:
            # Whatever it is: minutes of other rows are not thrown away for it.
            failed[name] = f"{type(error).__name__}: {error}"
            say(f"{name} FAILED: {traceback.format_exc()}")
        say(f"{name}: {time.monotonic() - began:.0f} s")
    return sections, failed


def _remarks(plan: Plan, sections: list[Section], failed: dict[str, str]) -> list[str]:
    remarks = []
    if plan.quick:
        remarks.append("**A quick run, to see that everything works. Its numbers mean nothing.**")
    for name, error in failed.items():
        remarks.append(f"**The row `{name}` failed and is not here:** {error}")
    lines = [line for section in sections for line in section.lines if line.verdict]
    missed = [f"- {line.what}, beside {line.beside}" for line in table.missed(sections)]
    remarks.append(f"{len(lines) - len(missed)} of {len(lines)} targets are met.")
    if missed:
        remarks.append("Missed:\n\n" + "\n".join(missed))
    remarks.append(
        "Medians of the rounds, the least and the most in parentheses; ratios are taken within a"
        " round. What the rows mean: docs/benchmarks.md."
    )
    return remarks


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(ROWS), help="these rows alone")
    parser.add_argument("--quick", action="store_true", help="to see that it works, in a minute")
    parser.add_argument("--rounds", type=_count, help="how often each side is measured")
    parser.add_argument("--seconds", type=_count, help="of each measurement, after the warm-up")
    parser.add_argument("--sizes", nargs="+", type=_count, help="uploads in the tables")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the tables go")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path("/var/tmp"),  # noqa: S108 - a disk where /tmp may be memory
        help="where the databases live while it runs; a disk, 3 GB",
    )
    return parser.parse_args()


def _count(text: str) -> int:
    if (value := int(text)) < 1:
        raise ValueError("must be 1 or more")
    return value


def _allow_many_connections() -> None:
    """Raise the limit of open files, which every server here inherits."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
