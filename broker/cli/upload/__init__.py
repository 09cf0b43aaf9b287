"""`broker upload`: photos from a shell or a script, through the Python client."""

import importlib.util
import sys
from pathlib import Path

import click

from broker.cli.upload.target import find_target
from broker.local.dev_env import DEFAULT_DATA_DIR

NEEDS = ("broker_client", "rich")
INTERRUPTED = 130


@click.command()
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option("--ad", type=click.IntRange(1, 2**63 - 1), metavar="ID", help="The ad's id.")
@click.option("--avatar", is_flag=True, help="Make the one file the token's user's avatar.")
@click.option("--url", metavar="URL", help="Where the broker is.")
@click.option("--token", envvar="BROKER_TOKEN", help="The bearer token; better in BROKER_TOKEN.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_DATA_DIR,
    help="Without --token: where `broker dev` keeps its address and its secret.",
)
@click.option(
    "--sub",
    type=click.IntRange(1, 2**63 - 1),
    default=1,
    help="Without --token: whose token is minted; 1 if not given.",
)
@click.option("--alt-text", default="", help="Alt text of the images.")
@click.option(
    "--order",
    type=click.IntRange(0, 32767),
    default=0,
    help="Place of the first image in its ad; the others follow.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file.")
@click.option(
    "--jobs", type=click.IntRange(1, 32), default=4, help="Files at a time; 4 if not given."
)
def upload(
    files: tuple[Path, ...],
    ad: int | None,
    avatar: bool,
    url: str | None,
    token: str | None,
    data_dir: Path,
    sub: int,
    alt_text: str,
    order: int,
    as_json: bool,
    jobs: int,
) -> None:
    """Upload photos to an ad, or one as an avatar; the same command again goes on.

    Prints each file and its image's URL. Exit status 0: all are uploaded. 1: some are not, and
    it says why. 2: nothing was sent, since a file or an option cannot be used. 130: interrupted.
    """
    if (ad is None) != avatar:
        raise click.UsageError("Give either --ad ID or --avatar.")
    if avatar and (len(files) > 1 or alt_text or order):
        raise click.UsageError("An avatar is one file, without alt text and order.")
    target = find_target(url, token, data_dir, sub)
    if any(importlib.util.find_spec(name) is None for name in NEEDS):
        raise click.ClickException(
            "its client is not installed: pip install httpx rich, then pip install clients/python"
        )
    # Imported here: a server is installed without them.
    from broker.cli.upload.run import Wanted, run

    user = target.user() if avatar else None
    wanted = Wanted(files=files, ad=ad, user=user, alt_text=alt_text, order=order)
    try:
        status = run(target, wanted, as_json=as_json, jobs=jobs)
    except KeyboardInterrupt:
        click.echo("broker: interrupted; the same command goes on from here", err=True)
        status = INTERRUPTED
    sys.exit(status)
