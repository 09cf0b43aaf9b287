"""Sign a hundred parts in one call, compared with boto3's generate_presigned_url."""

from collections.abc import Sequence

from benchmarks import requests
from benchmarks.bench import Bench
from benchmarks.child import report_of
from benchmarks.databases import Database
from benchmarks.load.client import Client
from benchmarks.plan import PARTS, USERS
from benchmarks.rounds import Sample, Spread, interleave
from benchmarks.rows.lines import MICROSECONDS, rate, side_name, sizes, smallest
from benchmarks.servers import Server
from benchmarks.sides import WrkSide
from benchmarks.table import Line, Section, Target

TITLE = "100 parts signed in one call"
BARE = "Flask and boto3, 100 URLs"
TARGET = Target(at_least=9)
IN_PROCESS = Target(at_least=14)
BYTES = PARTS * 8 * 1024 * 1024
WANTED = {"parts": [{"part_number": number} for number in range(1, PARTS + 1)]}


def run(bench: Bench) -> Section:
    """Measure this row."""
    bare = WrkSide(
        bench, BARE, bench.presigning, bench.request_file([requests.raw("POST", "/parts")])
    )
    sides = [
        PartsSide(
            bench,
            side_name(kind, uploads),
            bench.broker(kind, uploads),
            bench.database(kind, uploads),
        )
        for kind in bench.plan.kinds
        for uploads in bench.plan.sizes
    ]
    samples = interleave([*sides, bare], bench.plan.rounds)
    lines = []
    for kind in bench.plan.kinds:
        name = side_name(kind, smallest(bench))
        lines.append(rate(samples, "100 parts", name, BARE, TARGET))
        lines += _in_process(bench, kind)
    return Section(title=TITLE, lines=lines + sizes(bench, samples, "100 parts", "/s"))


class PartsSide:
    """One multipart upload per user, created before each measurement."""

    def __init__(self, bench: Bench, name: str, server: Server, database: Database) -> None:
        self.name = name
        self._bench = bench
        self._server = server
        self._database = database
        self._side: WrkSide | None = None

    def prepare(self) -> None:
        """See Side. Signing writes no rows, so the database does not have to be restored again."""
        self._database.restore()
        file = self._bench.request_file(
            [_sign(self._bench, self._server, user) for user in range(1, USERS + 1)]
        )
        self._side = WrkSide(self._bench, self.name, self._server, file)
        self._side.prepare()

    def measure(self) -> Sample:
        """See Side."""
        if self._side is None:
            raise RuntimeError("measured before it was prepared")
        return self._side.measure()


def _sign(bench: Bench, server: Server, user: int) -> bytes:
    token = bench.tokens.of_user(user)
    file = requests.declared(BYTES, transport="multipart")
    with Client(server.port) as client:
        ticket = client.json("POST", f"/api/ads/{user}/upload_image/", token=token, body=file)
    return requests.raw("POST", ticket["upload"]["parts_url"], token=token, body=WANTED)


def _in_process(bench: Bench, kind: str) -> list[Line]:
    """Compare without HTTP: the call through the WSGI app, and the signer alone."""
    uploads = smallest(bench)
    bench.database(kind, uploads).restore()
    environment = bench.environment(kind, uploads) | {"BENCH_TOKEN": bench.tokens.of_user(1)}
    report = report_of("in_process", bench.plan.parts_blocks, environment=environment)
    theirs = report["boto3"]
    lines = []
    for what in ("through the WSGI app", "by the signer alone"):
        mine = report[what]
        by_cpu = _times_faster(mine["cpu"], theirs["cpu"])
        lines.append(
            Line(
                what=f"100 parts, in one process, {what}: {kind}",
                measured=Spread.of(mine["wall"]).scaled(MICROSECONDS),
                unit="µs a call",
                beside="boto3, 100 URLs",
                other=Spread.of(theirs["wall"]).scaled(MICROSECONDS),
                ratio=_times_faster(mine["wall"], theirs["wall"]),
                target=IN_PROCESS,
                cpu=Spread.of(mine["cpu"]).scaled(MICROSECONDS),
                other_cpu=Spread.of(theirs["cpu"]).scaled(MICROSECONDS),
                note=f"the ratio says how many times faster it is; by CPU {by_cpu.median:.1f}",
            )
        )
    return lines


def _times_faster(mine: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Return the ratios of neighbouring blocks."""
    return Spread.of([its / one for one, its in zip(mine, theirs, strict=True)])
