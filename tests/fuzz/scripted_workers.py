"""Histories of uploads that a worker inspects, as scripts."""

from collections.abc import Iterator, Sequence

from tests.fuzz.interrupted_worker import (
    ACCEPTS,
    CANCEL,
    DOWNLOADS,
    FIRST,
    HAPPENINGS,
    INSPECTS,
    NOTHING,
    REJECTS,
    REPLACE,
    TAKEN,
)
from tests.fuzz.kinds import FORM, LOOSE, OPEN, PART, PARTS, PUT, Kind
from tests.fuzz.lifecycle import Lifecycle
from tests.fuzz.model_worker import CRASH, KILLED, STOP, TRIES
from tests.fuzz.scripted import REAP, Action, Script, arrived, avatar, given, issue, later, send

REQUIRED: Action = (Lifecycle.inspect, True)
OFF: Action = (Lifecycle.inspect, False)
WORK: Action = (Lifecycle.work,)
ENDED: Script = [WORK, REAP, later(4000), WORK, REAP]


def work(happening: str, at: int) -> Action:
    return (Lifecycle.work, at, happening, ACCEPTS)


def inspected(kind: Kind) -> Script:
    """Return the actions of an upload that waits for a worker."""
    return [REQUIRED, *arrived(kind), given(kind)]


def worker_scripts(
    *moments: int, happenings: Sequence[str] = HAPPENINGS
) -> Iterator[tuple[str, Script]]:
    """Yield what happens to one upload at these moments of an attempt."""
    for happening in happenings:
        for at in moments:
            script = [*inspected(FORM), work(happening, at), REAP, later(61), *ENDED]
            yield f"{happening} at moment {at} of an attempt", script


def kind_scripts(*kinds: Kind) -> Iterator[tuple[str, Script]]:
    """Yield what becomes of uploads of these kinds."""
    rejected: Action = (Lifecycle.work, 0, NOTHING, REJECTS)
    for kind in kinds:
        asked = [given(kind), (Lifecycle.renew, 0), (Lifecycle.notify, 0, False)]
        image = [*inspected(kind), *asked, WORK, *asked, (Lifecycle.delete_image, 0), REAP]
        yield f"{kind} is inspected, and its image is deleted", [*image, later(4000), REAP]
        yield f"{kind} is rejected", [*inspected(kind), rejected, *asked, REAP, later(4000), REAP]
        cancelled = [*inspected(kind), (Lifecycle.cancel, 0), WORK, *asked]
        yield f"{kind} is cancelled before a worker takes it", [*cancelled, later(4000), REAP]
        late: Script = [(Lifecycle.arrive_late, 0), REAP, (Lifecycle.arrive_late, 0), later(31)]
        yield f"{kind} arrives again after its inspection", [*inspected(kind), WORK, *late, REAP]


def inspection_scripts() -> Iterator[tuple[str, Script]]:
    """Yield the other scripts."""
    for happening, at in ((CRASH, INSPECTS), (KILLED, FIRST)):
        again = [work(happening, at), later(3601)] * (TRIES + 1)
        yield f"{happening} again and again", [*inspected(FORM), *again, REAP, *ENDED]
    taken: Action = (Lifecycle.work, INSPECTS, TAKEN, REJECTS)
    yield "rejected after another worker has taken it", [*inspected(FORM), taken, *ENDED]
    two = [REQUIRED, avatar(FORM), send(), avatar(LOOSE), send(), given(LOOSE)]
    older: Action = (Lifecycle.confirm, 1, 1, *given(FORM)[3:])
    yield "an older avatar is inspected last", [*two, WORK, older, WORK, *ENDED]
    yield "an avatar with variants is replaced", [*two, older, WORK, WORK, *ENDED]
    copied: Script = [(Lifecycle.confirm, 0, 2, *given(FORM)[3:-1], "done")]
    for switched in ([], [OFF]):
        mixed = [*arrived(FORM), *copied, *inspected(FORM)[:1], given(FORM), *switched]
        yield f"inspection is switched on after copies, then {switched}", [*mixed, *ENDED]
    full = [REQUIRED, issue(FORM, FORM, FORM), send(), given(FORM), issue(FORM), WORK, issue(FORM)]
    yield "an upload holds its slot while it is inspected", full
    stale: Script = [*arrived(LOOSE), REQUIRED, later(1201), REAP, *ENDED]
    yield "a stale upload is inspected if the reaper keeps it", stale


QUICK = {
    **dict(worker_scripts(FIRST + 3)),
    **dict(worker_scripts(DOWNLOADS, happenings=[CANCEL, REPLACE, STOP])),
    **dict(kind_scripts(FORM, PART)),
    **dict(inspection_scripts()),
}
MORE = {
    **dict(worker_scripts(*range(FIRST + 6))),
    **dict(kind_scripts(LOOSE, OPEN, PUT, PARTS)),
}
