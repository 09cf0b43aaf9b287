"""One run: measure the peak rate, then keep 80 % of it while servers are killed and restarted."""

import asyncio
import os
import signal
from dataclasses import dataclass, field

import httpx

from tests.soak.calls import Calls, Pace
from tests.soak.final_checks import at_rest, compare
from tests.soak.journeys import JourneyClient
from tests.soak.ledger import Ledger
from tests.soak.resources import Resources, ResourceWatch, leaks
from tests.soak.stack import DATABASE, Stack, inspectors, workers

QUIET, LAST, END = "quiet", "quiet again", "at the end"
SERVED = {QUIET, LAST, END}  # phases in which every server is there
SHARE = 0.8  # share of the peak rate
BACK_TRIES = 600  # 0.1 s each
SAMPLE_EVERY = 2.0
KILLS = 2


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The size of a run: `seconds` of load after the peak, including the bucket's outage.

    `lease_seconds`: how long after the kills others may take what killed workers were inspecting.
    None: a minute, as in production.
    """

    seconds: float = 300
    peak_seconds: float = 15
    bucket_away: float = 20
    clients: int = 24
    lease_seconds: float | None = None

    def share(self, part: float) -> float:
        """Return a share of the time in which the bucket is there, in seconds."""
        return part * (self.seconds - self.bucket_away)


@dataclass
class Result:
    """The results of a run."""

    ledger: Ledger
    peak: float = 0.0
    first: Resources | None = None
    last: Resources | None = None
    findings: list[str] = field(default_factory=list)
    final_state: str = ""


async def run(stack: Stack, plan: Plan) -> Result:
    """Run all phases and return the results. Errors are collected, not raised."""
    ledger, pace = Ledger(), Pace()
    result = Result(ledger)
    calls = Calls(stack.url, ledger, pace, plan.clients)
    clients = [JourneyClient(number, stack, calls) for number in range(1, plan.clients + 1)]
    for one, other in zip(clients, clients[1:] + clients[:1], strict=True):
        one.stranger = other
    watch = ResourceWatch(stack, ledger, SAMPLE_EVERY)
    stop = asyncio.Event()
    ledger.begin("warm-up")
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch.run())
        for client in clients:
            tasks.create_task(_run_journeys(client, stop))
        try:
            await asyncio.sleep(plan.peak_seconds / 3)
            peak = ledger.begin("peak")
            await asyncio.sleep(plan.peak_seconds)
            result.peak = peak.requests / peak.length
            pace.rate = max(1.0, SHARE * result.peak)
            await _disturb(stack, ledger, plan, result)
        finally:
            stop.set()
            watching.cancel()
    result.first, result.last = watch.of(QUIET), watch.of(LAST)
    ledger.begin(END)
    pace.rate = None
    rest = await at_rest(stack)
    for client in clients:
        await client.check_all()
    ledger.phase.ended = ledger.phase.begun + max(ledger.phase.length, 0.001)
    await calls.close()
    result.final_state, wrong = await asyncio.to_thread(compare, stack, [c.known for c in clients])
    idle = [one.name for one in ledger.phases if one.name in SERVED and not one.statuses["ok"]]
    result.findings = [*ledger.wrong, *rest, *wrong, *leaks(result.first, result.last)]
    result.findings += [f"{name}: no request was answered" for name in idle]
    if not ledger.journeys["photo"]:
        result.findings.append("no photo was uploaded")
    return result


async def _run_journeys(client: JourneyClient, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await client.run_journey()


async def _disturb(stack: Stack, ledger: Ledger, plan: Plan, result: Result) -> None:
    """Run the timed phases: kill workers, stop the bucket, restart the database."""
    ledger.begin("settling")  # wait until all clients use the slower pace
    await asyncio.sleep(plan.share(0.05))
    ledger.begin(QUIET)
    await asyncio.sleep(plan.share(0.20))

    ledger.begin("a worker killed")
    with ledger.outage("lost"):
        before = workers(stack.serving)
        os.kill(before[0], signal.SIGKILL)
        await _until_others(stack, before)
    await asyncio.sleep(plan.share(0.10))

    ledger.begin("bucket away")
    with ledger.outage("storage_unavailable"):
        await asyncio.to_thread(stack.s3.stop)
        await asyncio.sleep(plan.bucket_away)
        await asyncio.to_thread(stack.s3.start)
    ledger.begin("bucket back")
    await asyncio.sleep(plan.share(0.18))

    ledger.begin("inspections killed")
    for _ in range(KILLS):
        for pid in inspectors(stack.background):
            os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(plan.share(0.03))
    if plan.lease_seconds is not None:
        await asyncio.to_thread(_shorten_leases, stack, plan.lease_seconds)

    ledger.begin("database restarted")
    with ledger.outage("database_unavailable"):
        await asyncio.to_thread(stack.postgres.stop)
        await asyncio.to_thread(stack.postgres.start)
    await asyncio.sleep(plan.share(0.18))

    ledger.begin(LAST)
    await asyncio.sleep(plan.share(0.22))


def _shorten_leases(stack: Stack, seconds: float) -> None:
    """End every lease of a worker at most so many seconds from now."""
    with stack.postgres.connect(DATABASE) as connection:
        connection.execute(
            "UPDATE uploads SET due_at = now() + make_interval(secs => %(seconds)s)"
            " WHERE state = 'processing' AND due_at > now() + make_interval(secs => %(seconds)s)",
            {"seconds": seconds},
        )


async def _until_others(stack: Stack, before: list[int]) -> None:
    """Wait until a new worker has replaced the killed one."""
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        for _ in range(BACK_TRIES):
            now = workers(stack.serving)
            if len(now) == len(before) and before[0] not in now and await _ready(client, stack):
                return
            await asyncio.sleep(0.1)
    raise RuntimeError("the killed worker has not come back")


async def _ready(client: httpx.AsyncClient, stack: Stack) -> bool:
    try:
        return (await client.get(f"{stack.url}/readyz")).status_code == 200
    except httpx.TransportError:
        return False
