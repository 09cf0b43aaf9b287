"""`python -m benchmarks`: measure all rows, or some, and write the table."""

import argparse
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType

from benchmarks import plan as plans
from benchmarks import table
from benchmarks.bench import Bench, bench
from benchmarks.conditions import Conditions
from benchmarks.machine import describe
from benchmarks.prepare import NotPrepared, prepare
from benchmarks.rounds import say
from benchmarks.rows import (
    batch,
    confirm,
    field,
    grants,
    inspection,
    leases,
    memory,
    page,
    parts,
    photo,
    profile,
    reading,
    serving,
    slow,
    ticket,
    worker,
)
from benchmarks.servers import ROOT
from benchmarks.table import Results, Section
from broker.local.process import ServerError

ROWS: dict[str, Callable[[Bench], Section]] = {
    "ticket": ticket.run,
    "grants": grants.run,
    "batch": batch.run,
    "confirm": confirm.run,
    "parts": parts.run,
    "reading": reading.run,
    "inspection": inspection.run,
    "photo": photo.run,
    "slow": slow.run,
    "memory": memory.run,
    "leases": leases.run,
    "worker": worker.run,
    "field": field.run,
    "page": page.run,
    "serving": serving.run,
    "profile": profile.run,
}
RESULTS = ROOT / "benchmarks/results"


def main() -> int:
    """Measure. Return 1 if a row could not be measured; missed targets do not count."""
    options = _options()
    signal.signal(signal.SIGTERM, _stop)
    _allow_many_connections()
    plan = plans.QUICK if options.quick else plans.FULL
    given = {name: getattr(options, name) for name in ("rounds", "seconds")}
    given["field_rounds"] = options.rounds
    given["sizes"] = tuple(options.sizes) if options.sizes else None
    given["kinds"] = tuple(options.databases) if options.databases else None
    plan = replace(plan, **{name: value for name, value in given.items() if value is not None})
    conditions = Conditions.now(quick=plan.quick)
    reasons = conditions.not_quotable()
    for reason in reasons:
        say(f"The table will not be quotable: {reason}.")
    try:
        prepare()
        with bench(plan, options.data_dir) as running:
            machine = describe(running, conditions)
            sections, failed = _measure(running, options.only or list(ROWS))
    except (NotPrepared, ServerError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("stopped: no table was written, and all servers have ended")
        return 130
    name = time.strftime("%Y%m%d-%H%M%S", time.gmtime()) + ("-quick" if plan.quick else "")
    results = Results(
        machine=machine,
        sections=sections,
        remarks=_remarks(sections, failed),
        not_quotable=reasons,
    )
    paths = table.write(options.results, name, results)
    sys.stdout.write(table.markdown(results))
    sys.stdout.write("".join(f"\nwritten: {path}" for path in paths) + "\n")
    return 1 if failed else 0


def _measure(running: Bench, names: list[str]) -> tuple[list[Section], dict[str, str]]:
    """Measure row by row. A row that fails is reported, and the next one runs.

    If a target is missed, the profiles that show why come last.
    """
    sections: dict[str, Section] = {}
    failed = {}

    def measure(name: str, run: Callable[[Bench], Section]) -> None:
        began = time.monotonic()
        say(f"{name}:")
        try:
            sections[name] = run(running)
        except Exception as error:
            # Catch every error, because otherwise the results of the other rows would be lost.
            failed[name] = f"{type(error).__name__}: {error}"
            say(f"{name} FAILED: {traceback.format_exc()}")
        say(f"{name}: {time.monotonic() - began:.0f} s")

    for name in names:
        measure(name, ROWS[name])
    missing = [name for name, section in sections.items() if table.missed([section])]
    cases = profile.cases_for(missing)
    if cases and "profile" not in names:
        measure("profile", partial(profile.run, cases=cases))
    return list(sections.values()), failed


def _remarks(sections: list[Section], failed: dict[str, str]) -> list[str]:
    remarks = []
    for name, error in failed.items():
        remarks.append(f"**The row `{name}` failed and is missing here:** {error}")
    lines = [line for section in sections for line in section.lines if line.verdict]
    missed = [f"- {line.what}, compared with {line.beside}" for line in table.missed(sections)]
    remarks.append(f"{len(lines) - len(missed)} of {len(lines)} targets are met.")
    if missed:
        remarks.append("Missed:\n\n" + "\n".join(missed))
        remarks.append(f"The section *{profile.TITLE}* shows why, if the row has a profile.")
    remarks.append(
        "Values are medians of the rounds, with minimum and maximum in parentheses. Ratios are"
        " computed within a round. docs/benchmarks.md explains the rows."
    )
    return remarks


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(ROWS), help="measure only these rows")
    parser.add_argument("--quick", action="store_true", help="a short run, as a check")
    parser.add_argument("--rounds", type=_count, help="how often to measure each side")
    parser.add_argument("--seconds", type=_count, help="seconds a measurement, after the warm-up")
    parser.add_argument(
        "--sizes", nargs="+", type=_count, help="numbers of uploads in the database"
    )
    parser.add_argument(
        "--databases", nargs="+", choices=plans.KINDS, help="measure only with these databases"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where to write the tables")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path("/var/tmp"),  # noqa: S108 - on disk, while /tmp may be in memory
        help="where to keep the databases during the run; 8 GB on a real disk",
    )
    return parser.parse_args()


def _count(text: str) -> int:
    if (value := int(text)) < 1:
        raise ValueError("must be 1 or more")
    return value


def _allow_many_connections() -> None:
    """Raise the limit of open files. The servers inherit it."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
