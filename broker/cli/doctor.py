"""`broker doctor`: check a deployment and suggest a fix for each fault."""

import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import click

from broker.doctor import report
from broker.doctor.checks import examine


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a list of findings as JSON.")
@click.option(
    "--public-at",
    metavar="URL",
    help="The address of the bucket's public URL from here, for example inside a container.",
)
def doctor(as_json: bool, public_at: str | None) -> None:
    """Check settings, database, tokens and bucket with a real upload; exit 1 on a failure."""
    findings = []
    # The trial upload is removed at the end of every run, even after Ctrl-C and SIGTERM.
    with sigterm_exits(), closing(examine(public_at=public_at)) as found:
        for finding in found:
            findings.append(finding)
            if not as_json:
                click.echo("\n".join(report.lines(finding)))
    click.echo(report.as_json(findings) if as_json else report.summary(findings))
    sys.exit(1 if report.failed(findings) else 0)


@contextmanager
def sigterm_exits() -> Iterator[None]:
    """Exit by an exception at SIGTERM, so that every `finally` block runs."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
