"""Start servers and databases when a row first needs them, and stop them all at the end."""

import contextlib
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from benchmarks.databases import Database, PostgresDatabase, SqliteDatabase
from benchmarks.load.wrk import RequestFile
from benchmarks.plan import Plan
from benchmarks.requests import Tokens
from benchmarks.rounds import say
from benchmarks.servers import Server, bucket, peers
from benchmarks.servers.bucket import Credentials
from benchmarks.servers.command import gunicorn_sync
from benchmarks.servers.postgres import Postgres, postgres
from broker.local.seaweedfs import EmbeddedS3

Started = TypeVar("Started")


class Bench:
    """The servers and databases of one run."""

    def __init__(self, plan: Plan, directory: Path, stack: ExitStack) -> None:
        self.plan = plan
        self.directory = directory
        self.credentials = Credentials.new()
        self.jwt_secret = secrets.token_urlsafe(48)
        self.tokens = Tokens(self.jwt_secret)
        self._stack = stack
        self._started: dict[tuple[object, ...], object] = {}

    @cached_property
    def postgres(self) -> Postgres:
        """The PostgreSQL cluster."""
        return self._start(postgres(self.directory))

    @cached_property
    def seaweedfs(self) -> EmbeddedS3:
        """The real S3 server."""
        return self._start(bucket.seaweedfs(self.directory, self.credentials))

    @cached_property
    def stub(self) -> Server:
        """The stub S3 server, which needs almost no CPU."""
        return self._start(bucket.stub(self.directory))

    @cached_property
    def companion(self) -> Server:
        """Uppy Companion."""
        return self._start(
            peers.companion(self.stub.url, self.credentials, self.jwt_secret, self.directory)
        )

    @cached_property
    def presigning(self) -> Server:
        """A bare Flask view that presigns with boto3."""
        return self._start(
            peers.flask_app("presigning", self.stub.url, self.credentials, self.directory)
        )

    def proxying(self, *, sync: bool = False) -> AbstractContextManager[Server]:
        """Run the Flask app that proxies photos, on the broker's server or on gunicorn sync.

        Each row starts a new one, so that slow clients of one row cannot disturb another.
        """
        serving = {"serving": gunicorn_sync} if sync else {}
        endpoint = self.seaweedfs.endpoint_url
        return peers.flask_app("proxying", endpoint, self.credentials, self.directory, **serving)

    def reading(self, app: str, kind: str, uploads: int) -> Server:
        """Return one of the apps that read ads, with this database."""
        url = self.database(kind, uploads).url
        return self._once(
            (app, kind, uploads),
            lambda: self._start(peers.reading_app(app, url, self.stub.url, self.directory)),
        )

    def gauge(self, server: Server) -> Path:
        """Return the file in which a proxying server counts its requests."""
        return self.directory / f"{server.name}.gauge"

    def database(self, kind: str, uploads: int) -> Database:
        """Return a database with this many uploads."""

        def create() -> Database:
            say(f"  filling {kind} with {uploads:,} uploads")
            if kind == "SQLite":
                return SqliteDatabase(self.directory, uploads)
            return PostgresDatabase(self.postgres, uploads)

        return self._once(("database", kind, uploads), create)

    def broker(
        self, kind: str, uploads: int, *, real_bucket: bool = False, inspects: bool = True
    ) -> Server:
        """Return a broker with this database, and with the stub or the real S3 server."""
        environment = self.environment(kind, uploads, real_bucket=real_bucket)
        name = f"broker-{kind}-{uploads}{'-real' if real_bucket else ''}"
        if not inspects:
            environment |= {"BROKER_INSPECTION": "off"}
            name += "-off"
        return self._once(
            (name,), lambda: self._start(peers.broker(name, environment, self.directory))
        )

    def served(
        self, way: str, kind: str, uploads: int, serving: Callable[[int], list[str]]
    ) -> Server:
        """Return a broker that runs on another WSGI server."""
        name = f"broker-{way.replace(' ', '-')}"
        environment = self.environment(kind, uploads)
        return self._once(
            (name,),
            lambda: self._start(peers.broker(name, environment, self.directory, serving=serving)),
        )

    def environment(self, kind: str, uploads: int, *, real_bucket: bool = False) -> dict[str, str]:
        """Return the environment of a broker with this database."""
        endpoint = self.seaweedfs.endpoint_url if real_bucket else self.stub.url
        url = self.database(kind, uploads).url
        return peers.broker_environment(url, endpoint, self.credentials, self.jwt_secret)

    def request_file(self, requests: list[bytes], *, once: bool = False) -> RequestFile:
        """Write a file of requests for wrk."""
        number = sum(1 for _ in self.directory.glob("requests-*"))
        return RequestFile(self.directory / f"requests-{number}", requests, once=once)

    def _start(self, server: AbstractContextManager[Started]) -> Started:
        return self._stack.enter_context(server)

    def _once(self, key: tuple[object, ...], make: Callable[[], Started]) -> Started:
        if key not in self._started:
            self._started[key] = make()
        return self._started[key]  # type: ignore[return-value]


@contextlib.contextmanager
def bench(plan: Plan, below: Path) -> Iterator[Bench]:
    """Yield a bench that stores its data in a directory; delete the data at the end."""
    with (
        tempfile.TemporaryDirectory(
            prefix="broker-bench-", dir=below, ignore_cleanup_errors=True
        ) as directory,
        ExitStack() as stack,
    ):
        root = Path(directory)
        root.chmod(0o711)  # PostgreSQL runs as another user, which needs access
        yield Bench(plan, root, stack)
