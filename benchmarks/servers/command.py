"""How a WSGI app is served: as the Dockerfile says, but on one loopback port and by one worker.

The only place that knows the server: the broker and the Flask apps beside it get the same.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.servers import ROOT

WORKERS = "1"


def command(port: int, app: str = "wsgi:app") -> list[str]:
    """Give the command line for one app, `module:name`."""
    return changed(production(ROOT / "Dockerfile"), port, app)


def deployed(dockerfile: Path) -> list[str]:
    """Read the last CMD of a Dockerfile, which is written as JSON."""
    lines = dockerfile.read_text().replace("\\\n", " ").splitlines()
    commands = [line for line in lines if line.startswith("CMD ")]
    if not commands:
        raise ValueError(f"{dockerfile} has no CMD")
    return [str(argument) for argument in json.loads(commands[-1].removeprefix("CMD "))]


def production(dockerfile: Path) -> list[str]:
    """Read a Dockerfile's CMD without what has no part in a request.

    That is what runs the server and ends it, such as `broker serve --`.
    """
    argv = deployed(dockerfile)
    return argv[argv.index("--") + 1 :] if "--" in argv else argv


def changed(argv: Sequence[str], port: int, app: str) -> list[str]:
    """Put in host, port, workers and app; raises ValueError where one has no place."""
    values = {"--host": "127.0.0.1", "--port": str(port), "--workers": WORKERS}
    done = [str(Path(sys.executable).parent / argv[0]), *argv[1:]]
    for option, value in values.items():
        done[done.index(option) + 1] = value
    if ":" not in done[-1]:
        raise ValueError(f"the command ends with {done[-1]}, which is no app")
    done[-1] = app
    return done


def granian(port: int, *, workers: int, threads: int) -> list[str]:
    """Give the Dockerfile's command line with other numbers."""
    argv = command(port)
    for option, value in (("--workers", workers), ("--blocking-threads", threads)):
        argv[argv.index(option) + 1] = str(value)
    return argv


def gunicorn(
    port: int, app: str = "wsgi:app", *, workers: int, threads: int | None = None
) -> list[str]:
    """Give the command line of gunicorn; without threads that of its default worker, sync."""
    # fmt: off
    return [
        sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}",
        "--workers", str(workers), "--timeout", "120",
        *(["--worker-class", "sync"] if threads is None else ["--threads", str(threads)]), app,
    ]
    # fmt: on


def gunicorn_sync(port: int, app: str) -> list[str]:
    """Give the command line of gunicorn's default worker, one request at a time."""
    return gunicorn(port, app, workers=1)


def shown() -> str:
    """Give the broker's command line as it is in the table."""
    return " ".join([Path(command(0)[0]).name, *command(0)[1:]]).replace(" --port 0", "")
