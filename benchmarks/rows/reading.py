"""Anonymous reads of an ad and of a list, compared with Django REST Framework and plain Flask.

All three read the same rows, and their answers must be equal.
"""

from collections.abc import Mapping, Sequence

from benchmarks import requests, seed_rows
from benchmarks.bench import Bench
from benchmarks.load.client import Client
from benchmarks.load.wrk import LoadFailed
from benchmarks.rounds import Samples, interleave
from benchmarks.rows.lines import alone, cpu_each, rate, side_name, sizes, smallest, within
from benchmarks.servers import Server
from benchmarks.sides import WrkSide
from benchmarks.table import Line, Section, Target

TITLE = "Reading ads"
PEERS = {"reading_drf": "Django REST Framework", "reading_flask": "Flask, ORM and marshmallow"}
PEERS_KIND = "PostgreSQL"
FASTER = Target(at_least=4)
CPU_MICROSECONDS = 700
AD = "ad with 20 images"
PAGE = "list of 20 ads with 60 variants each"
VARIANTS = "ad with 20 images and 60 variants"
UNCHANGED = "ad with 20 images, 304"
# A page takes the peers a tenth of a second. With more connections, many requests would be
# unfinished at the end of a measurement, and their CPU would count for the others.
PAGE_CONNECTIONS = 2
PAGE_SECONDS = 3
ADS = 1_000  # the number of ads to read, evenly distributed over all ads
LIST = "/api/ads/"


def run(bench: Bench) -> Section:
    """Measure this row, with the peers if PostgreSQL is measured."""
    small, kinds = smallest(bench), bench.plan.kinds
    kind = PEERS_KIND if PEERS_KIND in kinds else kinds[0]
    apps = PEERS if kind == PEERS_KIND else {}
    mine = side_name(kind, small)
    broker = bench.broker(kind, small)
    peers = {name: bench.reading(app, kind, small) for app, name in apps.items()}
    for path in (paths(small)[0], paths_with_variants(small)[0], LIST):
        check_equal(path, {"the broker": broker, **peers})
    ads = _measured(bench, bench.plan.sizes, peers)
    pages = _measured(bench, (small,), peers, page=True)
    more = {
        VARIANTS: [requests.raw("GET", path) for path in paths_with_variants(small)],
        UNCHANGED: _conditional(broker, paths(small)),
    }
    sides = [WrkSide(bench, name, broker, bench.request_file(of)) for name, of in more.items()]
    samples = interleave(sides, bench.plan.rounds)
    names = [side_name(each, small) for each in kinds]
    others = [name for name in names if name != mine or not peers]
    return Section(
        title=TITLE,
        lines=[
            *_compared(ads, AD, mine, list(peers)),
            *(_cpu(ads, name) for name in names),
            *alone(ads, AD, others),
            *_compared(pages, PAGE, mine, list(peers)),
            *alone(pages, PAGE, others),
            *alone(samples, mine, list(more)),
            *sizes(bench, ads, AD, "/s"),
        ],
    )


def paths(uploads: int) -> list[str]:
    """Return the paths of some ads without variants."""
    there = max(1, uploads // len(seed_rows.STATES) - seed_rows.ADS_WITH_VARIANTS)
    step = max(1, there // ADS)
    return [_path(number) for number in range(0, there, step)][:ADS]


def paths_with_variants(uploads: int) -> list[str]:
    """Return the paths of the newest ads."""
    there = uploads // len(seed_rows.STATES)
    return [_path(number) for number in range(there)][-seed_rows.ADS_WITH_VARIANTS :]


def check_equal(path: str, servers: Mapping[str, Server]) -> None:
    """Raise LoadFailed if the servers' answers are not the same JSON."""
    answers = {}
    for name, server in servers.items():
        with Client(server.port) as client:
            answers[name] = client.json("GET", path)
    (first, expected), *others = answers.items()
    for name, found in others:
        if found != expected:
            raise LoadFailed(f"{path}: {first} answers {expected!r}, {name} {found!r}")


def _measured(
    bench: Bench,
    all_sizes: Sequence[int],
    peers: Mapping[str, Server],
    *,
    page: bool = False,
) -> Samples:
    """Measure broker and peers with some ads of each size, or with a page of the list."""

    def side(name: str, server: Server, uploads: int) -> WrkSide:
        wanted = [requests.raw("GET", path) for path in ([LIST] if page else paths(uploads))]
        file = bench.request_file(wanted)
        if page:
            return WrkSide(
                bench, name, server, file, connections=PAGE_CONNECTIONS, seconds=PAGE_SECONDS
            )
        return WrkSide(bench, name, server, file)

    sides = [
        side(side_name(kind, uploads), bench.broker(kind, uploads), uploads)
        for kind in bench.plan.kinds
        for uploads in all_sizes
    ]
    sides += [side(name, server, min(all_sizes)) for name, server in peers.items()]
    return interleave(sides, bench.plan.rounds)


def _compared(samples: Samples, what: str, side: str, peers: Sequence[str]) -> list[Line]:
    return [rate(samples, what, side, name, FASTER) for name in peers]


def _cpu(samples: Samples, side: str) -> Line:
    what = f"{AD}, API's CPU: {side}"
    return within(what, cpu_each(samples, side), "µs a request", CPU_MICROSECONDS)


def _conditional(server: Server, wanted: Sequence[str]) -> list[bytes]:
    """Return conditional requests that the server answers with 304."""
    with Client(server.port) as client:
        tags = {path: client.entity_tag(path) for path in wanted}
    return [requests.raw("GET", path, headers={"If-None-Match": tag}) for path, tag in tags.items()]


def _path(number: int) -> str:
    return f"/api/ads/{seed_rows.FIRST_AD + number}/"
