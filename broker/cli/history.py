"""`broker history`: print what happened to an upload, an owner, or a user's uploads."""

import click

from broker.cli.environment import broker_of_environment
from broker.cli.printable import printable
from broker.services.history.fact import stamp
from broker.services.history.find import find_history


@click.command()
@click.argument("target", metavar="upload/ID|user/ID|ad/ID|PROFILE/OWNER")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="At most this many uploads, the newest.",
)
@click.option("--names", is_flag=True, help="Show the names of files, which are personal data.")
def history(target: str, limit: int, names: bool) -> None:
    """Show what happened, one line for each fact, in UTC; then what is true now.

    Nothing is changed. Without --names, no names are shown.
    """
    with broker_of_environment() as broker, broker.system_work() as work:
        found = find_history(work, target, limit=limit, names=names)
    click.echo(found.title)
    for fact in found.facts:
        click.echo(f"{stamp(fact.time)}  {fact.about}  {printable(fact.text)}")
    for about, text in found.now:
        click.echo(f"now                   {printable(about)}  {printable(text)}")
    click.echo(f"For more, search the audit log and the request log for {found.search}")
