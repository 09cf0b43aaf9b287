"""The command that serves a WSGI app: that of the Dockerfile, with one worker on a local port.

The broker and the Flask apps use the same command. No other module names the WSGI server.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.servers import ROOT

WORKERS = "1"


def command(port: int, app: str = "wsgi:app") -> list[str]:
    """Return the command for an app, `module:name`."""
    return changed(production(ROOT / "Dockerfile"), port, app)


def two_workers(port: int) -> list[str]:
    """Return the broker's command with two workers."""
    argv = command(port)
    argv[argv.index("--workers") + 1] = "2"
    return argv


def deployed(dockerfile: Path) -> list[str]:
    """Return the last CMD of a Dockerfile, which must be in JSON form."""
    lines = dockerfile.read_text().replace("\\\n", " ").splitlines()
    commands = [line for line in lines if line.startswith("CMD ")]
    if not commands:
        raise ValueError(f"{dockerfile} has no CMD")
    return [str(argument) for argument in json.loads(commands[-1].removeprefix("CMD "))]


def production(dockerfile: Path) -> list[str]:
    """Return a Dockerfile's CMD without a wrapper that only starts and stops the server.

    Such a wrapper is `broker serve --`.
    """
    argv = deployed(dockerfile)
    return argv[argv.index("--") + 1 :] if "--" in argv else argv


def changed(argv: Sequence[str], port: int, app: str) -> list[str]:
    """Replace host, port, workers and app; raise ValueError if the command lacks one of them."""
    values = {"--host": "127.0.0.1", "--port": str(port), "--workers": WORKERS}
    done = [str(Path(sys.executable).parent / argv[0]), *argv[1:]]
    for option, value in values.items():
        done[done.index(option) + 1] = value
    if ":" not in done[-1]:
        raise ValueError(f"the command ends with {done[-1]}, which is not an app")
    done[-1] = app
    return done


def granian(port: int, *, workers: int, threads: int) -> list[str]:
    """Return the Dockerfile's command with other numbers."""
    argv = command(port)
    for option, value in (("--workers", workers), ("--blocking-threads", threads)):
        argv[argv.index(option) + 1] = str(value)
    return argv


def gunicorn(
    port: int, app: str = "wsgi:app", *, workers: int, threads: int | None = None
) -> list[str]:
    """Return the command for gunicorn; without `threads`, it uses the default worker, sync."""
    # fmt: off
    return [
        sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}",
        "--workers", str(workers), "--timeout", "120",
        *(["--worker-class", "sync"] if threads is None else ["--threads", str(threads)]), app,
    ]
    # fmt: on


def gunicorn_sync(port: int, app: str) -> list[str]:
    """Return the command for gunicorn's default worker, which serves one request at a time."""
    return gunicorn(port, app, workers=1)


def command_line() -> str:
    """Return the broker's command as the table shows it."""
    return " ".join([Path(command(0)[0]).name, *command(0)[1:]]).replace(" --port 0", "")
