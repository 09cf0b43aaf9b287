"""The lines of the field row, from its visits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.field.links import Link, needed_bytes
from benchmarks.field.visits import Unfinished, Visit
from benchmarks.rounds import Spread
from benchmarks.rows.lines import compared, within
from benchmarks.servers.bucket import BUCKET
from benchmarks.table import Line, Target

OF_THE_LINK = Target(at_most=1.05)
NEVER_LATER = Target(at_most=1)
ONE_PHOTO = Target(at_most=1)
HASHING_MS = 100
UPPY, FORM = "@uppy/aws-s3 and Companion", "a form through Flask and boto3"
TICKETS = "/upload_image"


@dataclass(frozen=True, kw_only=True)
class Round:
    """One visit of each side on the same link."""

    ours: Visit
    uppy: Visit
    form: Visit | Unfinished


def hashing_ms(ours: Visit) -> float:
    """Return the milliseconds from the choice of the files until the first ticket's request leaves.

    This is the time to read and hash the first photo. The request waits for nothing else.
    """
    ticket = min(ours.requests.of("POST", TICKETS), key=lambda each: each.began)
    return 1000 * (ticket.began - ours.chosen)


def lines_of(link: Link, rounds: Sequence[Round], *, photos: int, size: int) -> list[Line]:
    """Return the lines of one link."""
    last = f"last of {photos} photos recorded, {link.name}"
    allowed, needed = link.shortest_seconds(size), needed_bytes(size) / 1e6

    def beside(
        what: str,
        other: str,
        of: Callable[[Round], tuple[float, float]],
        unit: str = "s",
        target: Target | None = None,
        note: str = "",
    ) -> Line:
        mine, theirs = zip(*map(of, rounds), strict=True)
        return compared(what, other, unit=unit, mine=mine, theirs=theirs, target=target, note=note)

    return [
        beside(
            last,
            "what the link allows",
            lambda each: (each.ours.last, allowed),
            target=OF_THE_LINK,
            note=_steps(rounds[-1].ours),
        ),
        beside(
            last,
            UPPY,
            lambda each: (each.ours.last, each.uppy.last),
            target=NEVER_LATER,
            note=f"Uppy: {_sent(rounds[-1].uppy)}",
        ),
        beside(
            last,
            FORM,
            lambda each: (each.ours.last, each.form.last),
            target=NEVER_LATER,
            note=_stopped(rounds[-1].form),
        ),
        beside(
            f"first of {photos} photos recorded, {link.name}",
            UPPY,
            lambda each: (each.ours.first, each.uppy.first),
        ),
        beside(
            f"main thread busy, {link.name}",
            UPPY,
            lambda each: (each.ours.main_thread, each.uppy.main_thread),
            note=f"in scripts {rounds[-1].ours.scripts:.2f} s,"
            f" Uppy {rounds[-1].uppy.scripts:.2f} s",
        ),
        beside(
            f"bytes sent on the link, {link.name}",
            "bytes needed",
            lambda each: (each.ours.bytes_up / 1e6, needed),
            unit="MB",
            note=f"Uppy {rounds[-1].uppy.bytes_up / 1e6:.1f} MB",
        ),
        within(
            f"hashing delays the first byte, {link.name}",
            Spread.of([hashing_ms(each.ours) for each in rounds]),
            "ms",
            HASHING_MS,
        ),
    ]


def after_cut(link: Link, cut: Visit, usual: Visit, *, photos: int, size: int) -> Line:
    """Return the line of a visit during which all packets were lost for a while."""
    return _again(
        f"sent again after ten seconds without a network, {link.name}",
        cut,
        usual,
        photos,
        size,
        target=ONE_PHOTO,
    )


def after_network_change(
    link: Link, changed: Visit, usual: Visit, *, photos: int, size: int
) -> Line:
    """Return the line of a visit during which the phone's address was gone for a while."""
    return _again(
        f"sent again after ten seconds without an address, {link.name}",
        changed,
        usual,
        photos,
        size,
    )


def _again(
    what: str, visit: Visit, usual: Visit, photos: int, size: int, target: Target | None = None
) -> Line:
    again = max(0.0, (visit.bytes_up - usual.bytes_up) / 1e6)
    photo = needed_bytes(size) / photos / 1e6
    begun = len(visit.requests.of("POST", f"/{BUCKET}")) - photos
    return compared(
        what,
        "one photo",
        unit="MB",
        mine=[again],
        theirs=[photo],
        target=target,
        note=f"compared with a visit without it; {begun} requests with a photo more;"
        f" the last was recorded after {visit.last:.1f} s instead of {usual.last:.1f} s",
    )


def _steps(ours: Visit) -> str:
    return (
        f"{_sent(ours)}; first recorded {ours.first:.2f} s, first ready {ours.ready[0]:.2f} s,"
        f" last ready {ours.ready[-1]:.2f} s; {len(ours.requests.all())} requests,"
        f" {ours.requests.preflights()} of them preflights"
    )


def _sent(visit: Visit) -> str:
    """Return when the first photo was begun, and when the bucket had answered for the last."""
    photos = visit.requests.of("POST", f"/{BUCKET}")
    began = min(each.began for each in photos) - visit.chosen
    ended = max(each.ended or 0.0 for each in photos) - visit.chosen
    return f"first photo begun {began:.2f} s, last one stored {ended:.2f} s"


def _stopped(form: Visit | Unfinished) -> str:
    if isinstance(form, Visit):
        return ""
    return (
        f"the form was stopped after {form.last:.0f} s, when it had sent"
        f" {form.bytes_up / 1e6:.1f} MB; without this, the ratio would be lower"
    )
