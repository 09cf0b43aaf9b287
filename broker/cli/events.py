"""`broker events`: read the events, send them again, or stop trying."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import click
import orjson

from broker.api.request.page_cursors import decode_feed, encode_feed
from broker.cli.environment import broker_of_environment
from broker.cli.stopping import stop_signal
from broker.services.events import feed, replay
from broker.services.events.payload import payload
from broker.services.work import Broker, Work

LAST = 10
PAGE = 100
POLL_SECONDS = 0.5
IDS = click.argument("ids", metavar="[ID]...", nargs=-1, type=click.UUID)
DEAD = click.option("--dead", is_flag=True, help="All dead letters.")


@click.group()
def events() -> None:
    """Read the events, and decide about those that were not delivered."""


@events.command()
@click.option("--follow", is_flag=True, help="Wait for further events until SIGTERM or Ctrl-C.")
@click.option("--after", metavar="CURSOR", help="Begin after this cursor of /api/events/.")
def tail(follow: bool, after: str | None) -> None:
    """Print the last ten events, or those after a cursor, each as one line of JSON.

    The last line, on standard error, is the cursor after them.
    """
    with stop_signal() as stop, broker_of_environment() as broker:
        cursor = _last(broker) if after is None else feed.Cursor(*decode_feed(after))
        while not stop.is_set():
            with broker.system_work() as work:
                page = feed.read_events(work, after=cursor, limit=PAGE)
            for event, subject in page.events:
                json = payload(
                    event,
                    subject,
                    profiles=broker.limits.profiles,
                    media_url=broker.storage.media_url,
                )
                click.echo(orjson.dumps(json, option=orjson.OPT_UTC_Z))
            cursor = page.cursor
            if len(page.events) < PAGE and (not follow or stop.wait(POLL_SECONDS)):
                break
    click.echo(encode_feed(*cursor), err=True)


def _in_utc(_: click.Context, __: click.Parameter, time: datetime | None) -> datetime | None:
    if time is None:
        return None
    try:
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except OverflowError:
        raise click.BadParameter("The year must be from 1 to 9999 in UTC.") from None


@events.command("replay")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"]),
    callback=_in_utc,
    metavar="TIME",
    help="All events since this time, such as 2026-11-29T10:00:00Z.",
)
@DEAD
@IDS
def replay_command(since: datetime | None, dead: bool, ids: tuple[UUID, ...]) -> None:
    """Send events again, also those that were delivered, with the whole schedule of retries.

    Receivers recognise them by their id.
    """
    _exactly_one(since is not None, dead, bool(ids))

    def again(work: Work) -> int:
        if since is not None:
            return replay.replay_since(work, since)
        return replay.replay_dead(work) if dead else replay.replay(work, ids)

    _change("events will be sent again", again, ids)


@events.command("discard")
@DEAD
@IDS
def discard_command(dead: bool, ids: tuple[UUID, ...]) -> None:
    """Do not deliver events, or drop dead letters. They stay in the feed until they are pruned."""
    _exactly_one(dead, bool(ids))

    def drop(work: Work) -> int:
        return replay.discard_dead(work) if dead else replay.discard(work, ids)

    _change("deliveries were discarded", drop, ids)


@events.command()
def resume() -> None:
    """Send again after the receiver has answered 410 Gone."""
    with broker_of_environment() as broker, broker.system_work() as work:
        is_resumed = replay.resume(work)
    click.echo("resumed" if is_resumed else "nothing was stopped")


def _exactly_one(*given: bool) -> None:
    if sum(given) != 1:
        raise click.UsageError("Use exactly one of the options, or IDs.")


def _change(done: str, change: Callable[[Work], int], ids: tuple[UUID, ...]) -> None:
    """Change deliveries and print their number; exit with 1 if an id is unknown."""
    with broker_of_environment() as broker, broker.system_work() as work:
        missing = replay.unknown(work, ids) if ids else []
        count = change(work)
        is_stopped = replay.is_stopped(work)
    click.echo(f"{count} {done}")
    if is_stopped:
        click.echo("after a 410 nothing is sent until broker events resume", err=True)
    for one in missing:
        click.echo(f"no event {one} is kept", err=True)
    if missing:
        sys.exit(1)


def _last(broker: Broker) -> feed.Cursor:
    """Return the position before the last events."""
    with broker.system_work() as work:
        position = feed.latest(work)
        oldest = feed.read_events(work, after=None, limit=1)
    before = oldest.cursor.sequence - len(oldest.events)
    return position._replace(sequence=max(position.sequence - LAST, before))
