"""Workers: how long a user waits for an image, and how many images a second they publish."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from statistics import median

import psycopg

from benchmarks.bench import Bench
from benchmarks.inspection import sides
from benchmarks.processes import peak_resident_bytes
from benchmarks.rounds import Spread, say
from benchmarks.rows.lines import smallest, within
from benchmarks.servers import peers
from benchmarks.servers.workers import workers
from benchmarks.table import Line, Section, Target
from benchmarks.worker import ready
from benchmarks.worker.backlog import Work, work_off
from benchmarks.worker.photo import Photo, read_photo
from benchmarks.worker.ready import Waits

TITLE = "Workers"
KIND = "PostgreSQL"
PHOTO = "12 MP JPEG"
READY_SECONDS = 1.2
TWO_TO_ONE = Target(at_least=1.8)
MIB = 1024 * 1024


def run(bench: Bench) -> Section:
    """Measure an idle worker, then one and two workers with a backlog, in turn."""
    photo = read_photo(bench)
    database = bench.database(KIND, smallest(bench))
    database.restore()
    environment = peers.worker_environment(
        bench.environment(KIND, smallest(bench), real_bucket=True)
    )
    work: dict[int, list[Work]] = {1: [], 2: []}
    peaks = []
    with psycopg.connect(database.url.replace("+psycopg", ""), autocommit=True) as connection:
        api = bench.broker(KIND, smallest(bench), real_bucket=True)
        with workers(1, environment, bench.directory, connection) as one:
            waits = ready.measure(bench, api, one, connection, photo)
        say(f"  idle: {Spread.of(waits.seconds).median:.2f} s from confirm to image")
        for number in range(1, bench.plan.rounds + 1):
            for count, of in work.items():
                database.restore()
                with workers(count, environment, bench.directory, connection) as running:
                    of.append(work_off(bench, database, connection, running, photo))
                    peaks += [peak_resident_bytes(pid) / MIB for pid in running.pids]
                say(f"  round {number}  processes: {count}, {of[-1].rate:.2f} images/s")
    database.restore()
    alone = [_inspections_alone(bench, photo) for _ in range(bench.plan.rounds)]
    memory = Line(what="peak memory of a worker", measured=Spread.of(peaks), unit="MiB")
    return Section(title=TITLE, lines=[_wait(waits), *_rates(work, alone), memory])


def _wait(waits: Waits) -> Line:
    steps = ", ".join(f"{step} {1000 * spent:.0f} ms" for step, spent in waits.steps.items())
    line = within(
        f"from confirm to image, idle worker, {PHOTO}",
        Spread.of(waits.seconds),
        "s",
        READY_SECONDS,
    )
    return replace(line, note=f"mean of the worker's steps: {steps}; it asks every half second")


def _rates(work: Mapping[int, Sequence[Work]], alone: Sequence[tuple[float, float]]) -> list[Line]:
    one, two = (Spread.of([each.rate for each in work[count]]) for count in (1, 2))
    cpu = [Spread.of([1000 * each.workers for each in work[count]]) for count in (1, 2)]
    pairs = list(zip(work[1], work[2], strict=True))
    return [
        Line(
            what=f"images published by two worker processes, {PHOTO}",
            measured=two,
            unit="/s",
            beside="one worker process",
            other=one,
            ratio=Spread.of([of_two.rate / of_one.rate for of_one, of_two in pairs]),
            target=TWO_TO_ONE,
            note=f"one: {_shares(work[1])}; two: {_shares(work[2])}",
        ),
        Line(
            what="the same files inspected by two child processes, without worker and bucket",
            measured=Spread.of([of_two for _, of_two in alone]),
            unit="/s",
            beside="one child process",
            other=Spread.of([of_one for of_one, _ in alone]),
            ratio=Spread.of([of_two / of_one for of_one, of_two in alone]),
            note="what two cores of this machine can do, beside one",
        ),
        Line(
            what=f"CPU of the workers for an image, two processes, {PHOTO}",
            measured=cpu[1],
            unit="ms",
            beside="one worker process",
            other=cpu[0],
            ratio=Spread.of([of_two.workers / of_one.workers for of_one, of_two in pairs]),
        ),
    ]


def _shares(work: Sequence[Work]) -> str:
    """Return which cores are busy with what, as the median of the rounds."""
    busy = {
        "workers": median(each.rate * each.workers for each in work),
        "SeaweedFS": median(each.rate * each.bucket for each in work),
        "PostgreSQL": median(each.rate * each.database for each in work),
    }
    return "cores busy with " + ", ".join(f"{name} {cores:.2f}" for name, cores in busy.items())


def _inspections_alone(bench: Bench, photo: Photo) -> tuple[float, float]:
    """Return the files a second that child processes inspect, one at a time and two at a time."""
    return _inspected(bench, photo, 1), _inspected(bench, photo, 2)


def _inspected(bench: Bench, photo: Photo, processes: int) -> float:
    def inspect(number: int) -> None:
        for _ in range(bench.plan.images_per_worker):
            sides.broker(photo.path, "image/jpeg", bench.directory / f"alone-{number}")

    began = time.perf_counter()
    with ThreadPoolExecutor(processes) as pool:
        for _ in pool.map(inspect, range(processes)):
            pass
    return processes * bench.plan.images_per_worker / (time.perf_counter() - began)
