"""Measure a server with wrk. Most rows use this kind of side."""

from dataclasses import replace

from benchmarks.bench import Bench
from benchmarks.databases import Database
from benchmarks.load import wrk
from benchmarks.load.client import Client
from benchmarks.load.wrk import LoadFailed, RequestFile
from benchmarks.rounds import Sample
from benchmarks.seed_rows import Batch
from benchmarks.servers import Server


class WrkSide:
    """Sends one kind of request to one server.

    Args:
        bench: the run.
        name: the side's name in the table.
        server: receives the requests.
        requests: the requests, sent in turn.
        database: restored before each measurement.
        extra_rows: inserted after each restore.
        counts: which rows each request must write, one of `databases.COUNT`.
        writes: how many rows each request must write.
        skip: the number of requests reserved for the warm-up, if each may be sent only once.
        connections: how many send at once, if not as many as the plan says.
        seconds: the shortest measurement, for slow requests.
    """

    def __init__(
        self,
        bench: Bench,
        name: str,
        server: Server,
        requests: RequestFile,
        *,
        database: Database | None = None,
        extra_rows: Batch | None = None,
        counts: str | None = None,
        writes: int = 1,
        skip: int = 0,
        connections: int | None = None,
        seconds: int = 1,
    ) -> None:
        self.name = name
        self._plan = bench.plan
        self._server = server
        self._requests = requests
        self._database = database
        self._extra_rows = extra_rows
        self._counts = counts
        self._writes = writes
        self._skip = skip
        self._connections = connections or bench.plan.connections
        self._seconds = max(seconds, bench.plan.seconds)
        self._tried = False

    def prepare(self) -> None:
        """See Side. The first call sends one request, so that an error is shown in full."""
        if not self._tried:
            self._restore()
            with Client(self._server.port) as client:
                client.send_raw(self._requests.first)
            self._tried = True
        self._restore()

    def measure(self) -> Sample:
        """See Side; raise LoadFailed if a request failed or wrote no row."""
        warm = self._run(self._plan.warm_seconds, start=0)
        if self._requests.once and warm.requests + self._connections > self._skip:
            raise LoadFailed(f"{self.name}: too fast: the plan has too few uploads for the warm-up")
        before, database_before = self._server.cpu_seconds(), self._database_cpu()
        summary = self._run(self._seconds, start=self._skip)
        sample = summary.sample(self._server.cpu_seconds() - before)
        database_after = self._database_cpu()
        if database_before is not None and database_after is not None:
            spent = (database_after - database_before) / summary.requests
            sample = replace(sample, database_cpu=spent)
        if self._database is not None and self._counts is not None:
            rows = self._database.written(self._counts)
            wanted = (warm.requests + summary.requests) * self._writes
            if rows < wanted:
                raise LoadFailed(f"{self.name}: answers for {wanted} rows, but only {rows} written")
        return sample

    def _run(self, seconds: int, *, start: int) -> wrk.Summary:
        return wrk.run(
            self._server.port,
            self._requests,
            seconds=seconds,
            connections=self._connections,
            start=start,
        )

    def _database_cpu(self) -> float | None:
        return self._database.cpu_seconds() if self._database is not None else None

    def _restore(self) -> None:
        if self._database is not None:
            self._database.restore()
            if self._extra_rows is not None:
                self._database.insert(self._extra_rows)
