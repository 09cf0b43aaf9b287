"""`broker serve -- SERVER …`: run a WSGI server and shut it down without losing requests.

This process starts and stops the server; it does not serve itself. Every server is shut down in
the same order. First `/readyz` answers 503 while the server still accepts requests, so that load
balancers stop sending new ones. Then the server stops listening and finishes its requests. After
a time limit it is killed.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from broker.cli.stopping import StopSignal, stop_signal
from broker.config import Settings
from broker.config.serving import PREFIX
from broker.db.start_check import check_before_start
from broker.telemetry import metric_files

DRAIN_FILE = f"{PREFIX}DRAIN_FILE"
POLL_SECONDS = 0.2
REPEAT_SECONDS = 1
SIGNALLED = 128  # a shell adds this to the number of the signal that ended a process


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("server", nargs=-1, required=True, type=click.UNPROCESSED)
def serve(server: tuple[str, ...]) -> None:
    """Run SERVER, the command of a WSGI server. At SIGTERM, drain it, then stop it.

    A second signal skips the draining. The exit status is the server's, or 0 after a regular
    shutdown.
    """
    settings = Settings.load()
    # Report such errors here, because a server keeps restarting workers that cannot start.
    check_before_start(settings)
    sys.exit(run(server, drain_seconds=settings.drain_seconds, stop_seconds=settings.stop_seconds))


def run(command: Sequence[str], *, drain_seconds: float, stop_seconds: float) -> int:
    """Run the command until it ends or this process gets a signal; return the exit status."""
    with stop_signal() as asked, metric_files.temporary_directory() as directory:
        drain_file = Path(os.environ.get(DRAIN_FILE) or directory / "draining")
        try:
            drain_file.touch()
            drain_file.unlink()  # a killed server may have left this file
        except OSError as error:
            raise click.ClickException(f"{DRAIN_FILE} {drain_file}: {error.strerror}") from None
        try:
            # In a new process group: Ctrl-C reaches only this process, which stops the server.
            server = subprocess.Popen(  # noqa: S603 (the operator's own command)
                command, env=_environment(directory, drain_file), start_new_session=True
            )
        except OSError as error:
            raise click.ClickException(f"{command[0]}: {error.strerror}") from None
        try:
            if _ended(server, asked):
                return _status(server.returncode)
            # Catch a second signal from now on: it may come as soon as the drain file exists.
            with stop_signal() as hurried:
                # If the disk is full, /readyz cannot announce it; the rest still works.
                with contextlib.suppress(OSError):
                    drain_file.touch()
                if not _ended(server, hurried, drain_seconds):
                    _terminate(server, stop_seconds)
        except subprocess.TimeoutExpired:
            # Kill before printing: standard error may be closed already.
            _kill(server)
            click.echo(f"killed what took longer than {stop_seconds} s to end", err=True)
            return 0
        finally:
            _kill(server)
            drain_file.unlink(missing_ok=True)
        return _status(server.returncode)


def _environment(directory: Path, drain_file: Path) -> dict[str, str]:
    """Return the server's environment: its workers share metrics, which start at zero."""
    counted = {metric_files.DIRECTORY: str(directory / "metrics")}
    return {**counted, **os.environ, DRAIN_FILE: str(drain_file)}


def _terminate(server: subprocess.Popen[bytes], seconds: float) -> None:
    """Stop the server and wait for its end; raise TimeoutExpired if it takes longer than `seconds`.

    The server stops its workers. A worker of granian that is starting does not notice: while it
    imports the API, SIGTERM runs its parent's handler, which came with the fork. It would then
    serve until it is killed. So the signal is repeated, to the workers as well.
    """
    server.terminate()
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > REPEAT_SECONDS:
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(REPEAT_SECONDS)
            return
        _signal(server, signal.SIGTERM)
    server.wait(left)


def _signal(server: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send the signal to the server and its workers."""
    # ProcessLookupError: all have ended. PermissionError: macOS, for a group of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(server.pid, number)


def _kill(server: subprocess.Popen[bytes]) -> None:
    """Kill the server and any workers that have outlived it.

    granian's workers keep running and keep the port when their main process is killed.
    """
    _signal(server, signal.SIGKILL)
    server.wait()


def _ended(
    server: subprocess.Popen[bytes], asked: StopSignal, seconds: float = float("inf")
) -> bool:
    """Wait for the end of the server, a signal or the timeout; return whether it has ended."""
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
