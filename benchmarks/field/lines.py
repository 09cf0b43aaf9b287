"""The lines of the field row, from its visits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.field.links import Link, needed_bytes
from benchmarks.field.visits import Unfinished, Visit
from benchmarks.rounds import Spread
from benchmarks.rows.inspection import within
from benchmarks.rows.lines import plain
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
    allowed = link.shortest_seconds(size)
    last = f"last of {photos} photos recorded, {link.name}"
    mine = Spread.of([each.ours.last for each in rounds])

    def beside(name: str, of: Callable[[Round], float], note: str = "") -> Line:
        return Line(
            what=last,
            measured=mine,
            unit="s",
            beside=name,
            other=Spread.of([of(each) for each in rounds]),
            ratio=Spread.of([each.ours.last / of(each) for each in rounds]),
            target=NEVER_LATER,
            note=note,
        )

    return [
        Line(
            what=last,
            measured=mine,
            unit="s",
            beside="what the link allows",
            other=plain(allowed),
            ratio=mine.scaled(1 / allowed),
            target=OF_THE_LINK,
            note=_steps(rounds[-1].ours),
        ),
        beside(UPPY, lambda each: each.uppy.last, f"Uppy: {_sent(rounds[-1].uppy)}"),
        beside(FORM, lambda each: each.form.last, _stopped(rounds[-1].form)),
        Line(
            what=f"first of {photos} photos recorded, {link.name}",
            measured=Spread.of([each.ours.first for each in rounds]),
            unit="s",
            beside=UPPY,
            other=Spread.of([each.uppy.first for each in rounds]),
            ratio=Spread.of([each.ours.first / each.uppy.first for each in rounds]),
        ),
        Line(
            what=f"main thread busy, {link.name}",
            measured=Spread.of([each.ours.main_thread for each in rounds]),
            unit="s",
            beside=UPPY,
            other=Spread.of([each.uppy.main_thread for each in rounds]),
            ratio=Spread.of([each.ours.main_thread / each.uppy.main_thread for each in rounds]),
            note=f"in scripts {rounds[-1].ours.scripts:.2f} s,"
            f" Uppy {rounds[-1].uppy.scripts:.2f} s",
        ),
        Line(
            what=f"bytes sent on the link, {link.name}",
            measured=Spread.of([each.ours.bytes_up / 1e6 for each in rounds]),
            unit="MB",
            beside="bytes needed",
            other=plain(needed_bytes(size) / 1e6),
            ratio=Spread.of([each.ours.bytes_up / needed_bytes(size) for each in rounds]),
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
    return Line(
        what=what,
        measured=plain(again),
        unit="MB",
        beside="one photo",
        other=plain(photo),
        ratio=plain(again / photo),
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
