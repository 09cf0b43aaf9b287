"""Confirms: with the stub, compared with a ticket, and with a real bucket.

With inspection required, which is the default, a confirm hands the upload over to a worker.
"""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from benchmarks import requests, seed_rows
from benchmarks.bench import Bench
from benchmarks.plan import ADS
from benchmarks.requests import DIGEST
from benchmarks.rounds import interleave, say
from benchmarks.rows.lines import (
    MICROSECONDS,
    alone,
    cpu,
    cpu_of,
    side_name,
    sizes,
    smallest,
    time_of,
)
from benchmarks.rows.ticket import COMPANION, companion_side, ticket_sides
from benchmarks.servers.bucket import BUCKET
from benchmarks.sides import WrkSide
from benchmarks.table import Line, Section, Target

TITLE = "Confirm"
TARGET = Target(at_most=1.4)
CPU_TARGET = Target(at_most=1)
BODY = b"photo"
# Without inspection a confirm copies the object and inserts the image.
OFF = ", inspection off"


def run(bench: Bench) -> Section:
    """Measure this row."""
    small = smallest(bench)
    confirms = _sides(bench, bench.plan.sizes, bench.plan.stub_confirms)
    publishing = _sides(bench, (small,), bench.plan.stub_confirms, inspects=False)
    tickets = ticket_sides(bench, (small,))
    for side in tickets:
        side.name = f"ticket, {side.name}"
    rate = bench.plan.real_confirms
    real = [
        side
        for inspects in (True, False)
        for side in _sides(bench, (small,), rate, real_bucket=True, inspects=inspects)
    ]
    sides = [*confirms, *publishing, *tickets, companion_side(bench), *real]
    samples = interleave(sides, bench.plan.rounds)
    lines = []
    for kind in bench.plan.kinds:
        mine = side_name(kind, small)
        ticket = f"ticket, {mine}"
        for side, target in ((mine, TARGET), (mine + OFF, None)):
            for what, of in (("time", time_of), ("API's CPU", cpu_of)):
                lines.append(
                    Line(
                        what=f"confirm's own share, {what}: {side}",
                        measured=samples.spread(side, of).scaled(MICROSECONDS),
                        unit="µs a request",
                        beside=ticket,
                        other=samples.spread(ticket, of).scaled(MICROSECONDS),
                        ratio=samples.ratio(side, ticket, of),
                        target=target,
                    )
                )
        lines.append(cpu(samples, "confirm's own share", mine, COMPANION, CPU_TARGET))
    by_stub = [side_name(kind, small) + ending for kind in bench.plan.kinds for ending in ("", OFF)]
    lines += alone(samples, "confirm, the stub as the bucket", by_stub)
    lines += alone(samples, "confirm, SeaweedFS as the bucket", [side.name for side in real])
    return Section(title=TITLE, lines=lines + sizes(bench, samples, "confirm", "/s"))


def _sides(
    bench: Bench,
    sizes: tuple[int, ...],
    per_second: int,
    *,
    real_bucket: bool = False,
    inspects: bool = True,
) -> list[WrkSide]:
    skip = per_second * bench.plan.warm_seconds
    extra_rows, ids = seed_rows.pending(skip + per_second * bench.plan.seconds)
    if real_bucket:
        _put_objects(bench, extra_rows)
    file = bench.request_file([_confirm(bench, n, one) for n, one in enumerate(ids)], once=True)
    ending = ("" if inspects else OFF) + (", real bucket" if real_bucket else "")
    return [
        WrkSide(
            bench,
            side_name(kind, uploads) + ending,
            bench.broker(kind, uploads, real_bucket=real_bucket, inspects=inspects),
            file,
            database=bench.database(kind, uploads),
            extra_rows=extra_rows,
            counts="processing" if inspects else "images",
            skip=skip,
        )
        for kind in bench.plan.kinds
        for uploads in sizes
    ]


def _confirm(bench: Bench, number: int, upload_id: UUID) -> bytes:
    token = bench.tokens.of_ad(number % ADS + 1)
    return requests.raw("POST", f"/api/uploads/{upload_id}/confirm/", token=token)


def _put_objects(bench: Bench, extra_rows: seed_rows.Batch) -> None:
    """Write the objects that the uploads declare."""
    client = bench.credentials.client(bench.seaweedfs.endpoint_url)
    say(f"  writing {len(extra_rows.rows):,} objects to SeaweedFS")
    key = extra_rows.columns.index("key")

    def put(row: tuple[object, ...]) -> None:
        client.put_object(
            Bucket=BUCKET,
            Key=f"incoming/{row[key]}",
            Body=BODY,
            ContentType="image/jpeg",
            ChecksumSHA256=DIGEST,
            Metadata={"upload-id": str(row[0])},
        )

    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(put, extra_rows.rows):
            pass
