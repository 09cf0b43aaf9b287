"""`broker doctor`: check a deployment, and say what to do about each fault."""

import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import click

from broker.doctor import report
from broker.doctor.run import examine


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a list of findings as JSON.")
@click.option(
    "--public-at",
    metavar="URL",
    help="Where the bucket's public URL is reached from here, such as from within a container.",
)
def doctor(as_json: bool, public_at: str | None) -> None:
    """Check settings, database, tokens and bucket with one real upload; exit 1 on a failure."""
    findings = []
    # Whatever ends the run, Ctrl-C and SIGTERM included, the trial upload is removed.
    with sigterm_exits(), closing(examine(public_at=public_at)) as found:
        for finding in found:
            findings.append(finding)
            if not as_json:
                click.echo("\n".join(report.lines(finding)))
    click.echo(report.as_json(findings) if as_json else report.summary(findings))
    sys.exit(1 if report.failed(findings) else 0)


@contextmanager
def sigterm_exits() -> Iterator[None]:
    """Let SIGTERM end the process as an exception does, through every `finally`."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
