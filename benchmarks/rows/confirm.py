"""Confirms: with the stub, compared with a ticket, and with a real bucket."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from benchmarks import requests, seed_rows
from benchmarks.bench import KINDS, Bench
from benchmarks.plan import ADS
from benchmarks.requests import DIGEST
from benchmarks.rounds import interleave, say
from benchmarks.rows.lines import MICROSECONDS, alone, cpu_of, side_name, sizes, smallest, time_of
from benchmarks.rows.ticket import ticket_sides
from benchmarks.servers.bucket import BUCKET
from benchmarks.sides import WrkSide
from benchmarks.table import Line, Section, Target

TITLE = "Confirm"
TARGET = Target(at_most=1.5)
BODY = b"photo"


def run(bench: Bench) -> Section:
    """Measure this row."""
    small = smallest(bench)
    confirms = _sides(bench, bench.plan.sizes, bench.plan.stub_confirms)
    tickets = ticket_sides(bench, (small,))
    for side in tickets:
        side.name = f"ticket, {side.name}"
    real = _sides(bench, (small,), bench.plan.real_confirms, real_bucket=True)
    samples = interleave([*confirms, *tickets, *real], bench.plan.rounds)
    lines = []
    for kind in KINDS:
        mine = side_name(kind, small)
        ticket = f"ticket, {mine}"
        for what, of in (("time", time_of), ("API's CPU", cpu_of)):
            lines.append(
                Line(
                    what=f"confirm's own share, {what}: {mine}",
                    measured=samples.spread(mine, of).scaled(MICROSECONDS),
                    unit="µs a request",
                    beside=ticket,
                    other=samples.spread(ticket, of).scaled(MICROSECONDS),
                    ratio=samples.ratio(mine, ticket, of),
                    target=TARGET,
                )
            )
    by_stub = [side_name(kind, small) for kind in KINDS]
    lines += alone(samples, "confirm, HEAD and copy by the stub", by_stub)
    lines += alone(samples, "confirm, HEAD and copy by SeaweedFS", [side.name for side in real])
    return Section(title=TITLE, lines=lines + sizes(bench, samples, "confirm", "/s"))


def _sides(
    bench: Bench, sizes: tuple[int, ...], per_second: int, *, real_bucket: bool = False
) -> list[WrkSide]:
    skip = per_second * bench.plan.warm_seconds
    extra_rows, ids = seed_rows.pending(skip + per_second * bench.plan.seconds)
    if real_bucket:
        _put_objects(bench, extra_rows)
    file = bench.request_file([_confirm(bench, n, one) for n, one in enumerate(ids)], once=True)
    return [
        WrkSide(
            bench,
            side_name(kind, uploads) + (", real bucket" if real_bucket else ""),
            bench.broker(kind, uploads, real_bucket=real_bucket),
            file,
            database=bench.database(kind, uploads),
            extra_rows=extra_rows,
            counts="images",
            skip=skip,
        )
        for kind in KINDS
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
