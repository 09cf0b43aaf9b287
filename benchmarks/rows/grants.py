"""A ticket for an owner that a grant names, compared with one for an ad of our table."""

from benchmarks.bench import Bench
from benchmarks.child import report_of
from benchmarks.rows.lines import MICROSECONDS, compared, smallest
from benchmarks.table import Line, Section, Target

TITLE = "A ticket by a grant"
TABLE, GRANT = "an ad in our table", "a grant"
TARGET = Target(at_most=1.05)
PROFILES = """
[product_image]
prefix = "products/product_{owner}/"
content_types = ["image/jpeg", "image/png"]
max_count = 10000
"""


def run(bench: Bench) -> Section:
    """Measure this row."""
    return Section(title=TITLE, lines=[_line(bench, kind) for kind in bench.plan.kinds])


def _line(bench: Bench, kind: str) -> Line:
    uploads = smallest(bench)
    bench.database(kind, uploads).restore()
    profiles = bench.directory / "profiles.toml"
    profiles.write_text(PROFILES)
    environment = {
        **bench.environment(kind, uploads),
        "BROKER_PROFILES_FILE": str(profiles),
        "BENCH_TOKEN": bench.tokens.of_user(1),
        "BENCH_GRANTED_TOKEN": bench.tokens.granted("product_image", "1"),
    }
    report = report_of("grants_in_process", bench.plan.grant_blocks, environment=environment)
    return compared(
        f"ticket by a grant, CPU, in one process: {kind}",
        TABLE,
        unit="µs a request",
        mine=[MICROSECONDS * seconds for seconds in report[GRANT]["cpu"]],
        theirs=[MICROSECONDS * seconds for seconds in report[TABLE]["cpu"]],
        target=TARGET,
    )
