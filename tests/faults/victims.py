"""The process whose children are killed after a step, as tests see it; see `victim.serve`."""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from tests.faults.victim import Kill, Request, Start
from tests.http.client import SECRET
from tests.servers.fixtures import Bucket


@dataclass(frozen=True)
class Victims:
    """Processes of one app at a time, which run one request each."""

    orders: Connection

    def start(self, database_url: str, bucket: Bucket, changes: Mapping[str, Any]) -> None:
        """Create the app with a database, a bucket, changed settings and the environment."""
        settings = {
            "database_url": database_url,
            "s3_bucket": bucket.name,
            "s3_endpoint_url": bucket.server.endpoint_url,
            "jwt_secret": SECRET,
            **changes,
        }
        self.orders.send(Start(settings, dict(os.environ)))

    def is_killed(self, request: Request, step: int) -> bool:
        """Run the request in a process of its own; return False if the request reached its end."""
        self.orders.send(Kill(request, step))
        assert self.orders.poll(60)
        code = self.orders.recv()
        assert code in (0, -signal.SIGKILL)
        return bool(code)
