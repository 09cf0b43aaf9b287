"""`broker serve -- SERVER …`: run a WSGI server so that its end loses no request.

It starts the server and ends it; it does not serve. The order of an end is the same for every
server: `/readyz` says 503 while requests are still taken, so that a load balancer turns away;
then the server stops to listen and finishes what it has; what takes longer than that is cut.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from broker.cli.stopping import StopSignal, stop_signal
from broker.config import Settings
from broker.config.serving import PREFIX
from broker.db.engine import make_engine

DRAIN_FILE = f"{PREFIX}DRAIN_FILE"
COUNTS = "PROMETHEUS_MULTIPROC_DIR"
MEMORY = "/dev/shm"  # noqa: S108 (a directory of our own is made there)
POLL_SECONDS = 0.2
SIGNALLED = 128  # what a shell adds to the number of the signal that ended a process


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("server", nargs=-1, required=True, type=click.UNPROCESSED)
def serve(server: tuple[str, ...]) -> None:
    """Run SERVER, a WSGI server's command; at SIGTERM drain it, then stop it.

    A second signal cuts the draining short. The exit status is the server's, and 0 where it
    was stopped in good order.
    """
    settings = Settings.load()
    # A worker that cannot start is started again and again: what would stop each is told here.
    make_engine(settings.database_url).dispose()
    sys.exit(run(server, drain_seconds=settings.drain_seconds, stop_seconds=settings.stop_seconds))


def run(command: Sequence[str], *, drain_seconds: float, stop_seconds: float) -> int:
    """Run the command until it ends or this process is asked to; gives the exit status."""
    with (
        stop_signal() as asked,
        tempfile.TemporaryDirectory(prefix="broker-", dir=_in_memory()) as directory,
    ):
        drain_file = Path(os.environ.get(DRAIN_FILE) or Path(directory, "draining"))
        try:
            drain_file.touch()
            drain_file.unlink()  # left by one that was killed, perhaps
        except OSError as error:
            raise click.ClickException(f"{DRAIN_FILE} {drain_file}: {error.strerror}") from None
        try:
            # A group of its own: Ctrl-C reaches us alone, and we decide what ends when.
            server = subprocess.Popen(  # noqa: S603 (the operator's own command)
                command, env=_environment(Path(directory), drain_file), start_new_session=True
            )
        except OSError as error:
            raise click.ClickException(f"{command[0]}: {error.strerror}") from None
        try:
            if _ended(server, asked):
                return _status(server.returncode)
            # Before it is seen to drain: whoever sees that may hurry it.
            with stop_signal() as hurried:
                # On a disk that is full by now nobody is told; the rest of a good end stays.
                with contextlib.suppress(OSError):
                    drain_file.touch()
                if not _ended(server, hurried, drain_seconds):
                    server.terminate()
                server.wait(stop_seconds)
        except subprocess.TimeoutExpired:
            # Before it is told: who reads that may be gone already.
            _cut(server)
            click.echo(f"cut what took longer than {stop_seconds} s to end", err=True)
            return 0
        finally:
            _cut(server)
            drain_file.unlink(missing_ok=True)
        return _status(server.returncode)


def _in_memory() -> str | None:
    """Name where files are in memory; None where that is not told, for the usual place.

    Workers count in files that are mapped into them: where one cannot grow, because others have
    filled its disk, the kernel ends the worker (SIGBUS), and so all of them.
    """
    return MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None


def _environment(directory: Path, drain_file: Path) -> dict[str, str]:
    """Give the server's environment; its workers count together, and anew at each start."""
    counted = {COUNTS: str(directory / "metrics")}
    return {**counted, **os.environ, DRAIN_FILE: str(drain_file)}


def _cut(server: subprocess.Popen[bytes]) -> None:
    """Kill what there is of the server; its workers, where it has ended without them.

    granian's go on when their main process is killed: on the port, and out of anyone's reach.
    """
    # No such group: all have ended. No permission: what macOS says of a group of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def _ended(
    server: subprocess.Popen[bytes], asked: StopSignal, seconds: float = float("inf")
) -> bool:
    """Wait until the server ends, the signal comes or the time is up; tell whether it ended."""
    deadline = time.monotonic() + seconds
    while server.poll() is None:
        left = deadline - time.monotonic()
        if left <= 0 or asked.wait(min(POLL_SECONDS, left)):
            return False
    return True


def _status(returncode: int) -> int:
    if returncode == -signal.SIGTERM:
        return 0
    return SIGNALLED - returncode if returncode < 0 else returncode
