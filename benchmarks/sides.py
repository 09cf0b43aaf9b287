"""A server under wrk: the side of a comparison that most rows have."""

from benchmarks.bench import Bench
from benchmarks.databases import Database
from benchmarks.load import wrk
from benchmarks.load.client import Client
from benchmarks.load.wrk import LoadFailed, RequestFile
from benchmarks.rounds import Sample
from benchmarks.servers import Server
from benchmarks.stock import Batch


class WrkSide:
    """Sends one kind of request to one server.

    Args:
        database: brought back to its size before each measurement.
        stock: rows that are then laid in.
        counts: `uploads` or `images`: of these a request must write `writes` rows.
        skip: where requests may go once, how many of the first the warm-up has for itself.
    """

    def __init__(
        self,
        bench: Bench,
        name: str,
        server: Server,
        requests: RequestFile,
        *,
        database: Database | None = None,
        stock: Batch | None = None,
        counts: str | None = None,
        writes: int = 1,
        skip: int = 0,
    ) -> None:
        self.name = name
        self._plan = bench.plan
        self._server = server
        self._requests = requests
        self._database = database
        self._stock = stock
        self._counts = counts
        self._writes = writes
        self._skip = skip
        self._tried = False

    def prepare(self) -> None:
        """See Side. The first time one request is sent, so that a wrong one is seen whole."""
        if not self._tried:
            self._restore()
            with Client(self._server.port) as client:
                client.send_raw(self._requests.first)
            self._tried = True
        self._restore()

    def measure(self) -> Sample:
        """See Side; raises LoadFailed where a request failed or left no row."""
        warm = self._run(self._plan.warm_seconds, start=0)
        if self._requests.once and warm.requests + self._plan.connections > self._skip:
            raise LoadFailed(f"{self.name}: faster than the plan lays in uploads for the warm-up")
        before = self._server.cpu_seconds()
        summary = self._run(self._plan.seconds, start=self._skip)
        sample = summary.sample(self._server.cpu_seconds() - before)
        if self._database is not None and self._counts is not None:
            rows = self._database.written(self._counts)
            wanted = (warm.requests + summary.requests) * self._writes
            if rows < wanted:
                raise LoadFailed(f"{self.name}: {wanted} rows answered for, {rows} written")
        return sample

    def _run(self, seconds: int, *, start: int) -> wrk.Summary:
        return wrk.run(
            self._server.port,
            self._requests,
            seconds=seconds,
            connections=self._plan.connections,
            start=start,
        )

    def _restore(self) -> None:
        if self._database is not None:
            self._database.restore()
            if self._stock is not None:
                self._database.insert(self._stock)
