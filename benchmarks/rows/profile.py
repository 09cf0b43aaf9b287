"""Profiles of tickets, batches, confirms, parts and reads: one caller, in one process."""

from collections.abc import Collection
from typing import Any

from benchmarks import seed_rows
from benchmarks.bench import Bench
from benchmarks.child import report_of
from benchmarks.profile.groups import GROUPS
from benchmarks.rounds import say
from benchmarks.rows.lines import smallest
from benchmarks.table import Section

TITLE = "Where the time goes"
# Each case shows where the time of the row with the same name goes.
CASES = {
    "ticket": "one ticket",
    "batch": "a batch of 20",
    "confirm": "a confirm, HEAD by the stub",
    "parts": "100 parts",
    "reading": "an ad with 20 images",
}
# What the API does for a photo.
PHOTO = ("ticket", "confirm")
CONFIRMS = 6_000  # more calls than fit into the seconds of a profile


def run(bench: Bench, cases: Collection[str] = tuple(CASES)) -> Section:
    """Profile these cases with both databases."""
    profiles: dict[str, dict[str, Any]] = {}
    for kind in bench.plan.kinds:
        for case in cases:
            name = f"{CASES[case]}, {kind}"
            profiles[name] = _profile(bench, kind, case)
            say(f"  {name}: profiled")
    return Section(title=TITLE, lines=[], text=_text(profiles), data={"profiles": profiles})


def cases_for(rows: Collection[str]) -> list[str]:
    """Return the cases that explain these rows."""
    wanted = set(rows) | (set(PHOTO) if "photo" in rows else set())
    return [case for case in CASES if case in wanted]


def _profile(bench: Bench, kind: str, case: str) -> dict[str, Any]:
    uploads = smallest(bench)
    database = bench.database(kind, uploads)
    database.restore()
    environment = bench.environment(kind, uploads) | {"BENCH_TOKEN": bench.tokens.of_user(1)}
    if case == "confirm":
        extra_rows, ids = seed_rows.pending(CONFIRMS)
        database.insert(extra_rows)
        file = bench.directory / "uploads"
        file.write_text("\n".join(map(str, ids)))
        environment |= {"BENCH_TOKEN": bench.tokens.service, "BENCH_UPLOADS": str(file)}
    seconds = bench.plan.profile_seconds
    timeout = seconds * 3 + 60
    return report_of("profile", case, seconds, environment=environment, timeout=timeout)


def _text(profiles: dict[str, dict[str, Any]]) -> str:
    table = [
        "| | " + " | ".join(profiles) + " |",
        "| --- |" + " ---: |" * len(profiles),
    ]
    for group in sorted(
        GROUPS, key=lambda g: -sum(p["shares"].get(g, 0) for p in profiles.values())
    ):
        cells = [
            f"{p['shares'].get(group, 0) * 100:.0f} %,"
            f" {p['shares'].get(group, 0) * p['microseconds']:.0f} µs"
            for p in profiles.values()
        ]
        table.append(f"| {group} | " + " | ".join(cells) + " |")
    totals = [f"{p['microseconds']:.0f} µs" for p in profiles.values()]
    table.append("| total, without the sampler | " + " | ".join(totals) + " |")
    parts = [
        "One caller through the WSGI app, without a server. Wall time from stack samples,"
        " including the wait for the database (`benchmarks/profile/groups.py` defines the"
        " groups).",
        "\n".join(table),
        "The most frequent innermost functions:",
    ]
    for name, profile in profiles.items():
        listed = "; ".join(
            f"{one['share'] * 100:.0f} % `{one['function']}` ({one['group']})"
            for one in profile["functions"][:6]
        )
        parts.append(f"- {name}: {listed}")
    return "\n\n".join(parts)
