"""Check that workers run, that they can inspect every type of image, and that no upload waits."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from importlib.metadata import version

from broker.db import inspection_probe
from broker.db.models import Worker
from broker.db.probe import DatabaseFault
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, skip, warn
from broker.domain.media_types import EXTENSIONS

RUNNING, WAITING = "workers", "processing"
SETTING = "BROKER_INSPECTION"
OFF = f"{SETTING} is off"
SLOW = timedelta(minutes=5)
STUCK = timedelta(hours=1)
START = "start broker worker or broker background (docs/inspection.md)"


def running(examination: Examination) -> Iterator[Finding]:
    """Read the heartbeats of the last minute."""
    if not examination.settings.limits.inspects:
        yield skip(RUNNING, OFF)
        return
    try:
        found = inspection_probe.workers(examination.settings.database_url)
    except DatabaseFault as fault:
        yield skip(RUNNING, f"the heartbeats cannot be read: {fault}")
        return
    able = [worker for worker in found if worker.self_test is None]
    for worker in found:
        if worker.self_test is not None:
            yield fail(
                RUNNING,
                f"the self-test of {_named(worker)} failed: {worker.self_test}",
                setting=SETTING,
                fix="install requirements-worker.txt there (docs/inspection.md)",
            )
    if not found:
        yield fail(
            RUNNING,
            "no worker was seen within a minute, so uploads stay in processing",
            setting=SETTING,
            fix=START,
        )
    elif able:
        warnings = list(_warnings(able))
        yield from warnings
        if not warnings:
            yield ok(RUNNING, f"{_count(able)}, self-tests passed, without network")


def waiting(examination: Examination) -> Iterator[Finding]:
    """Read the age of the oldest upload in processing."""
    try:
        found = inspection_probe.waiting_uploads(examination.settings.database_url)
    except DatabaseFault as fault:
        yield skip(WAITING, f"the uploads cannot be read: {fault}")
        return
    if not found.count and not examination.settings.limits.inspects:
        yield skip(WAITING, OFF)
        return
    minutes = int(found.oldest.total_seconds() // 60)
    detail = f"{found.count} uploads wait for a worker, the oldest for {minutes} minutes"
    if found.oldest <= SLOW:
        yield ok(WAITING, f"no upload waits longer than {int(SLOW.total_seconds() // 60)} minutes")
        return
    report = fail if found.oldest > STUCK else warn
    yield report(
        WAITING,
        detail,
        setting=SETTING,
        fix="start more workers, or see docs/operations/runbooks/BrokerProcessingSlow.md",
    )


def _warnings(workers: Sequence[Worker]) -> Iterator[Finding]:
    own = version("upload-broker")
    others = [worker for worker in workers if worker.release != own]
    if others:
        yield warn(
            RUNNING,
            f"{_named(others[0])} runs release {others[0].release}, and this is {own}",
            setting=SETTING,
            fix="upgrade the workers, too (docs/operations/upgrade.md)",
        )
    open_ones = [worker for worker in workers if not worker.is_isolated]
    if open_ones:
        yield warn(
            RUNNING,
            f"the processes of {_named(open_ones[0])} that decode images have network access",
            setting=SETTING,
            fix="allow seccomp filters or user namespaces there (docs/inspection.md)",
        )
    for content_type in EXTENSIONS:
        lacking = [one for one in workers if content_type not in one.content_types.split()]
        if lacking:
            yield warn(
                RUNNING,
                f"{_named(lacking[0])} cannot decode {content_type}, so it rejects such photos",
                setting=SETTING,
                fix="install the extra heic there: requirements-worker.txt has it",
            )


def _named(worker: Worker) -> str:
    return f"the worker {worker.process_id} on {worker.host}"


def _count(workers: Sequence[Worker]) -> str:
    return "1 worker runs" if len(workers) == 1 else f"{len(workers)} workers run"
