"""`broker reprocess`: add sizes, placeholders and variants to images that have none."""

import sys
from collections import Counter
from datetime import UTC, datetime

import click

from broker.cli.environment import broker_of_environment
from broker.cli.exit_status import DIFFERS, cannot_tell_is_two
from broker.cli.image_progress import ImageProgress
from broker.cli.inspection_directory import inspection_directory
from broker.cli.printable import printable
from broker.cli.stopping import stop_signal
from broker.inspection.sandbox import inspect_in_child, protect_parent
from broker.services.processing import reprocess as service
from broker.services.processing.process import Tools
from broker.services.processing.reprocess import Result, Selection
from broker.storage.factory import object_files


@click.command()
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"]),
    metavar="DATE",
    help="Only images created since then, such as 2026-11-26 or 2026-11-26T03:00:00Z.",
)
@click.option(
    "--clean",
    is_flag=True,
    help="Also remove metadata such as the GPS position, and convert HEIC and AVIF.",
)
@click.option("--dry-run", is_flag=True, help="Count what would be done, and change nothing.")
def reprocess(since: datetime | None, clean: bool, dry_run: bool) -> None:
    """Add width, height, a placeholder and variants to images that have none.

    An image keeps its object and its URL. With --clean, the cleaned or converted image is published
    at a new URL, and the old object is deleted.

    To resume after an interruption, run the same command again. Several runs at once are safe.

    Exit status 0: nothing is missing. 1: some images failed, or SIGTERM stopped the run. 2: the run
    failed.
    """
    if since is not None and since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    selection = Selection(since=since, clean=clean, dry_run=dry_run)
    counts: Counter[Result] = Counter()
    protect_parent()
    with cannot_tell_is_two(), broker_of_environment() as broker, stop_signal() as stop:
        tools = Tools(
            files=object_files(broker.settings),
            inspect=inspect_in_child,
            directory=inspection_directory(),
            is_stopping=stop.is_set,
        )
        with broker.system_work() as work:
            total = service.count_images(work, selection)
        with ImageProgress(total) as progress:
            for done in service.reprocess(broker, tools, selection):
                counts[done.result] += 1
                if done.result is Result.FAILED:
                    progress.line(f"image {done.image_id} {printable(done.key)}: {done.detail}")
                progress.advance()
        stopped = stop.is_set()
    click.echo(_summary(counts, dry_run=dry_run))
    if stopped:
        click.echo("broker: stopped; run the same command again to continue", err=True)
    sys.exit(DIFFERS if stopped or counts[Result.FAILED] else 0)


def _summary(counts: Counter[Result], *, dry_run: bool) -> str:
    return (
        f"{'would reprocess' if dry_run else 'reprocessed'} {counts[Result.REPROCESSED]},"
        f" complete {counts[Result.COMPLETE]}, changed meanwhile {counts[Result.CHANGED]},"
        f" failed {counts[Result.FAILED]}"
    )
