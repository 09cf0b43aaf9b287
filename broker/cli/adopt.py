"""`broker adopt`: record objects that were in the bucket before the broker."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from broker.cli.environment import broker_of_environment
from broker.cli.exit_status import DIFFERS, cannot_tell_is_two
from broker.cli.printable import printable
from broker.domain.adoption import SKIPPED_DETAIL, AdoptTally, Claim, Skipped
from broker.services.adopt import adopt as service
from broker.services.adopt.csv_claims import claims_of_csv
from broker.services.events import numbering
from broker.services.marketplace.ad_ids import skip_used_ids
from broker.services.work import Work


@click.command()
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Adopt only the keys in this file: key,alt_text,order.",
)
@click.option(
    "--restored",
    is_flag=True,
    help="The database is a restored backup: adopt later uploads, too.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be adopted, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def adopt(csv_file: Path | None, restored: bool, dry_run: bool, as_json: bool) -> None:
    """Record existing objects as the files of ads, users and other owners.

    With --restored, new ads never get an id that already has photos in the bucket, and readers
    of events must resynchronise. Run it before you start the API.

    Exit status 0: all objects are recorded. 1: some were skipped; the output says why. 2: the
    run failed. Objects recorded so far stay recorded, and the next run continues.
    """
    with cannot_tell_is_two():
        tally = AdoptTally()
        with (
            broker_of_environment() as broker,
            broker.system_work() as work,
            _claims(csv_file, work) as claims,
        ):
            if restored and not dry_run:
                skip_used_ids(work)
                numbering.restart(work)
            service.adopt(work, claims, tally=tally, dry_run=dry_run, restored=restored)
    click.echo(_json(tally, dry_run) if as_json else _table(tally, dry_run))
    sys.exit(0 if tally.is_as_expected else DIFFERS)


@contextmanager
def _claims(csv_file: Path | None, work: Work) -> Iterator[Iterator[Claim]]:
    if csv_file is None:
        yield service.claims_of_listing(work)
    else:
        with claims_of_csv(csv_file, work.limits) as claims:
            yield claims


def _table(tally: AdoptTally, dry_run: bool) -> str:
    lines = [f"{'would adopt' if dry_run else 'adopted'} {tally.adopted}"]
    for reason in Skipped:
        if count := tally.skipped[reason]:
            lines.append(f"left {count} {reason.value}: {SKIPPED_DETAIL[reason]}")
            shown = tally.examples[reason]
            lines += [f"    {printable(key)}" for key in shown] + ["    …"] * (count > len(shown))
    return "\n".join(lines)


def _json(tally: AdoptTally, dry_run: bool) -> str:
    skipped = {
        reason.value: {"count": count, "examples": tally.examples[reason]}
        for reason, count in tally.skipped.items()
    }
    return json.dumps({"adopted": tally.adopted, "dry_run": dry_run, "skipped": skipped})
