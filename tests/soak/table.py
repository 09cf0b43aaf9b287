"""The results of a run as Markdown: the phases, the use of resources, and the errors."""

from collections.abc import Iterator

from tests.soak.ledger import Ledger, Outage, Phase
from tests.soak.run import SHARE, Result
from tests.soak.stack import Stack

NAMES = {
    "lost": "worker killed",
    "storage_unavailable": "bucket stopped",
    "database_unavailable": "database restarted",
}


def markdown(stack: Stack, result: Result) -> str:
    """Return the results as Markdown."""
    return "\n".join(_lines(stack, result)) + "\n"


def _lines(stack: Stack, result: Result) -> Iterator[str]:
    ledger = result.ledger
    durable = stack.postgres.settings("fsync", "synchronous_commit", "full_page_writes")
    settings = ", ".join(f"{name} {value}" for name, value in durable.items())
    yield f"`{stack.command}`; PostgreSQL with {settings}; SeaweedFS; " + (
        "requests are counted in Redis." if stack.counts_requests else "no Redis is installed."
    )
    yield ""
    yield (
        f"Peak {result.peak:.0f} requests/s; the rest at {SHARE:.0%} of it, "
        f"{SHARE * result.peak:.0f} requests/s."
    )
    yield ""
    yield (
        "| phase | s | requests | ok | 503 | broken | wrong | p50 ms | p99 ms | requests/s "
        "| bytes taken | refused | bucket away |"
    )
    yield "| --- |" + " ---: |" * 12
    for phase in ledger.phases:
        yield _row(phase)
    yield ""
    for outage in ledger.outages:
        yield f"- {_outage_line(outage)}"
    yield ""
    yield "| of the API's processes | quiet | quiet again |"
    yield "| --- | ---: | ---: |"
    if result.first and result.last:
        yield f"| memory, MiB | {result.first.memory:.0f} | {result.last.memory:.0f} |"
        yield f"| open files | {result.first.files} | {result.last.files} |"
        first, last = result.first.connections, result.last.connections
        yield f"| connections to PostgreSQL | {first} | {last} |"
    yield ""
    yield f"Journeys: {_journeys(ledger)}."
    yield ""
    yield f"At rest: {result.final_state}."
    yield ""
    yield f"Findings: {len(result.findings)}"
    for finding in result.findings:
        yield f"- {finding}"


def _row(phase: Phase) -> str:
    seen = phase.statuses
    figures = [
        f"{phase.length:.1f}",
        *(str(phase.requests), str(seen["ok"]), str(seen["503"])),
        *(str(seen["lost"]), str(seen["wrong"])),
        *(f"{phase.percentile(0.5):.1f}", f"{phase.percentile(0.99):.1f}"),
        f"{phase.requests / phase.length:.0f}",
        *(str(seen["sent"]), str(seen["refused"]), str(seen["away"])),
    ]
    return f"| {phase.name} | {' | '.join(figures)} |"


def _outage_line(outage: Outage) -> str:
    away = outage.ended - outage.begun
    after = max(0.0, outage.last_reported - outage.ended)
    return (
        f"{NAMES[outage.code]}: down for {away:.1f} s; the last answer that reported it came "
        f"{after:.1f} s after its end"
    )


def _journeys(ledger: Ledger) -> str:
    return ", ".join(f"{name} {count}" for name, count in ledger.journeys.most_common())
