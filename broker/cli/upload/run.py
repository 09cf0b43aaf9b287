"""One run of `broker upload`: look at the files, send them, say what became of each."""

from dataclasses import dataclass
from pathlib import Path

import click
from broker_client import Broker, ClientError, FileToSend, Outcome

from broker.cli.printable import printable
from broker.cli.upload.checks import faults
from broker.cli.upload.display import Bars, terminal
from broker.cli.upload.state import RunJournal, state_folder
from broker.cli.upload.target import Target
from broker.cli.upload.telling import Telling

DONE, FAILED, UNUSABLE = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be uploaded, and for whom: an ad or a user."""

    files: tuple[Path, ...]
    ad: int | None
    user: int | None
    alt_text: str
    order: int


def run(target: Target, wanted: Wanted, *, as_json: bool, jobs: int) -> int:
    """Upload the files; gives the exit status."""
    # A wrong address is told soon; patience is for what has begun.
    with Broker(target.url, target.token, retries=1) as broker:
        try:
            profile = broker.profiles()["avatar" if wanted.ad is None else "ad_image"]
        except ClientError as error:
            click.echo(f"broker: {target.url}: {error}", err=True)
            return FAILED
    if unusable := faults(wanted.files, profile):
        for file, fault in unusable:
            click.echo(f"broker: {printable(str(file))}: {fault}", err=True)
        return UNUSABLE
    journal = RunJournal(state_folder())
    with Broker(target.url, target.token, journal=journal) as broker:
        to_send = [
            FileToSend(file=file, alt_text=wanted.alt_text, order=wanted.order + place)
            for place, file in enumerate(wanted.files)
        ]
        with (
            Telling(wanted.files, as_json=as_json) as telling,
            Bars(wanted.files, terminal()) as bars,
        ):

            def tell(outcome: Outcome) -> None:
                bars.done(outcome)
                telling.done(outcome)

            outcomes = broker.upload_many(
                to_send,
                ad=wanted.ad,
                user=wanted.user,
                at_once=jobs,
                on_progress=bars.progress,
                on_done=tell,
            )
    if any(outcome.error is not None for outcome in outcomes):
        return FAILED
    journal.finish()
    return DONE
