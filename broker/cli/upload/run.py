"""One run of `broker upload`: check the files, send them, print the outcomes."""

from dataclasses import dataclass
from pathlib import Path

import click
from broker_client import Broker, ClientError, FileToSend, Outcome, content_type_of
from broker_client.media_types import ANY

from broker.cli.printable import printable
from broker.cli.upload.checks import faults
from broker.cli.upload.display import Bars, terminal
from broker.cli.upload.outcome_printer import OutcomePrinter
from broker.cli.upload.state import RunJournal, state_folder
from broker.cli.upload.target import Target

DONE, FAILED, UNUSABLE = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class UploadRequest:
    """The files to upload and their owner: `ad`, `owner`, or otherwise the token's user.

    `owner` is a profile and an owner, such as `product_image/42`.
    """

    files: tuple[Path, ...]
    ad: int | None
    owner: str | None
    alt_text: str
    order: int

    @property
    def profile(self) -> str:
        """Return the name of the owner's profile."""
        if self.owner is not None:
            return self.owner.partition("/")[0]
        return "avatar" if self.ad is None else "ad_image"


def run(target: Target, request: UploadRequest, *, as_json: bool, jobs: int) -> int:
    """Upload the files. Return the exit status."""
    # Only one retry here, so that a wrong address fails quickly.
    with Broker(target.url, target.token, retries=1) as broker:
        try:
            profiles = broker.profiles()
            of_user = request.ad is None and request.owner is None
            user = broker.me().id if of_user else None
        except ClientError as error:
            click.echo(f"broker: {target.url}: {error}", err=True)
            return FAILED
    profile = profiles.get(request.profile)
    if profile is None:
        known = ", ".join(sorted(profiles))
        click.echo(f"broker: no profile {request.profile}; there are: {known}", err=True)
        return UNUSABLE
    if profile.keeps_one and len(request.files) > 1:
        click.echo(f"broker: {request.profile} keeps only one file of an owner", err=True)
        return UNUSABLE
    if unusable := faults(request.files, profile):
        for file, fault in unusable:
            click.echo(f"broker: {printable(str(file))}: {fault}", err=True)
        return UNUSABLE
    journal = RunJournal(state_folder())
    with Broker(target.url, target.token, journal=journal) as broker:
        to_send = [
            FileToSend(
                file=file,
                alt_text=request.alt_text,
                order=request.order + place,
                content_type=content_type_of(file.name) or ANY,
            )
            for place, file in enumerate(request.files)
        ]
        with (
            OutcomePrinter(request.files, as_json=as_json) as printer,
            Bars(request.files, terminal()) as bars,
        ):

            def on_done(outcome: Outcome) -> None:
                bars.done(outcome)
                printer.done(outcome)

            outcomes = broker.upload_many(
                to_send,
                ad=request.ad,
                user=user,
                owner=request.owner,
                at_once=jobs,
                on_progress=bars.progress,
                on_done=on_done,
            )
    if any(outcome.error is not None for outcome in outcomes):
        return FAILED
    journal.finish()
    return DONE
