"""`broker reconcile`: print the differences between bucket and database."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from broker.cli.environment import broker_of_environment
from broker.cli.exit_status import DIFFERS, cannot_tell_is_two
from broker.cli.printable import printable
from broker.domain.reconciliation import Action, Difference, DifferenceKind, Tally
from broker.services.reconcile import reconcile as service
from broker.storage.buckets import bucket_names
from broker.storage.inventory import open_reports

DONE = (Action.DELETED, Action.QUEUED, Action.KEPT)


@click.command()
@click.option(
    "--fix", is_flag=True, help="Delete old orphans that the broker's uploads left behind."
)
@click.option(
    "--before",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    metavar="TIME",
    help="With --fix: keep objects written after this, such as 2026-11-26T03:00:00Z.",
)
@click.option(
    "--inventory",
    "inventories",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read this manifest.json of S3 Inventory instead of listing the bucket. With"
    " BROKER_S3_INCOMING_BUCKET, repeat it for each bucket.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document instead of a table.")
def reconcile(
    fix: bool, before: datetime | None, inventories: tuple[Path, ...], as_json: bool
) -> None:
    """Compare the bucket with the database.

    Exit status 0: no differences. 1: there are differences, including those that --fix
    deleted. 2: the comparison failed.
    """
    if before is not None and not fix:
        raise click.UsageError("--before limits what --fix deletes, so it needs --fix.")
    with cannot_tell_is_two():
        tally, write = Tally(), _JsonWriter() if as_json else _TableWriter()
        with broker_of_environment() as broker:
            names = bucket_names(broker.settings)
            objects = open_reports(inventories, names) if inventories else None
            with broker.system_work() as work:
                for found in service.reconcile(
                    work, tally=tally, inventory=objects, fix=fix, before=before
                ):
                    write.difference(found)
        write.end(tally)
    sys.exit(DIFFERS if tally.differences else 0)


class _TableWriter:
    """Print each difference on one line as soon as it is found, then the totals."""

    _line = "{:<8} {:<8} {}  ({})".format
    _begun = False

    def difference(self, found: Difference) -> None:
        if not self._begun:
            click.echo(self._line("kind", "action", "key", "detail"))
            self._begun = True
        action = "-" if found.action is Action.NONE else found.action.value
        click.echo(self._line(found.kind.value, action, printable(found.key), found.detail))

    def end(self, tally: Tally) -> None:
        kinds = ", ".join(f"{tally.kinds[kind]} {kind.value}" for kind in DifferenceKind)
        done = "".join(f", {tally.actions[act]} {act.value}" for act in DONE if tally.actions[act])
        click.echo(f"{tally.objects} objects, {tally.images} images and variants: {kinds}{done}")


class _JsonWriter:
    """Print one JSON document as a stream, so that a million differences need no memory."""

    def __init__(self) -> None:
        self._between = '{"differences": [\n'

    def difference(self, found: Difference) -> None:
        modified = found.last_modified.isoformat() if found.last_modified else None
        value: dict[str, Any] = {**vars(found), "last_modified": modified}
        click.echo(self._between + json.dumps(value), nl=False)
        self._between = ",\n"

    def end(self, tally: Tally) -> None:
        sums = {
            "objects": tally.objects,
            "images": tally.images,
            **{kind.value: tally.kinds[kind] for kind in DifferenceKind},
            **{action.value: tally.actions[action] for action in DONE},
        }
        opening = self._between if self._between != ",\n" else ""
        click.echo(f'{opening}\n], "summary": {json.dumps(sums)}}}')
