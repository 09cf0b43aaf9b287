"""The servers of the three sides, all with one bucket, and the addresses of their pages."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.bench import Bench
from benchmarks.rows.lines import smallest
from benchmarks.servers import ROOT, Server, peers, serve
from benchmarks.servers.command import command
from benchmarks.servers.workers import workers

KIND = "PostgreSQL"
# A phone does not share its cores with a worker.
NICENESS = 19
BROKER, COMPANION, FORM = "broker", "uppy", "form"


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A running shop.

    Attributes:
        pages: the server of the pages. It has another origin than the broker and the bucket.
        broker: the API's server, with workers beside it.
        arguments: what each side's page needs to know, by the side's name.
    """

    pages: Server
    broker: Server
    arguments: Mapping[str, Mapping[str, object]]

    def page(self, side: str) -> str:
        """Return the URL of a side's page."""
        return f"{self.pages.url}/{side}/"


@contextlib.contextmanager
def shop(bench: Bench, *, processes: int = 1) -> Iterator[Shop]:
    """Run the broker with worker processes, Companion, the proxying app and the pages."""
    database = bench.database(KIND, smallest(bench))
    database.restore()
    with ExitStack() as stack:
        pages = stack.enter_context(_pages(bench.directory))
        environment = bench.environment(KIND, smallest(bench), real_bucket=True)
        environment |= {"BROKER_CORS_ORIGINS": pages.url}
        _prepare_bucket(environment)
        broker = stack.enter_context(peers.broker("broker-field", environment, bench.directory))
        url = database.url.replace("+psycopg", "")
        connection = stack.enter_context(psycopg.connect(url, autocommit=True))
        of_worker = peers.worker_environment(environment)
        stack.enter_context(
            workers(processes, of_worker, bench.directory, connection, niceness=NICENESS)
        )
        companion = stack.enter_context(
            peers.companion(
                bench.seaweedfs.endpoint_url,
                bench.credentials,
                bench.jwt_secret,
                bench.directory,
                origin=pages.url,
            )
        )
        proxying = stack.enter_context(bench.proxying())
        ad = 1
        arguments = {
            BROKER: {"baseUrl": broker.url, "token": bench.tokens.of_ad(ad), "ad": ad},
            COMPANION: {"companion": companion.url},
            FORM: {"action": f"{proxying.url}/photos"},
        }
        yield Shop(pages=pages, broker=broker, arguments=arguments)


@contextlib.contextmanager
def _pages(directory: Path) -> Iterator[Server]:
    script = _bundle(directory)
    with serve(
        "pages",
        lambda port: command(port, "benchmarks.apps.pages:app"),
        lambda _port: {"UPPY_SCRIPT": str(script)},
        directory,
    ) as server:
        yield server


def _bundle(directory: Path) -> Path:
    """Bundle the script of Uppy's page."""
    script = directory / "uppy-page.js"
    esbuild = peers.UPPY / "node_modules/.bin/esbuild"
    # fmt: off
    subprocess.run(
        [str(esbuild), "page.js", "--bundle", "--minify", "--format=esm", f"--outfile={script}"],
        cwd=peers.UPPY, check=True, capture_output=True, text=True, timeout=120,
    )
    # fmt: on
    return script


def _prepare_bucket(environment: dict[str, str]) -> None:
    """Let the pages send to the bucket, by the command that operators use."""
    subprocess.run(
        [sys.executable, "-m", "broker", "bucket", "apply"],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
