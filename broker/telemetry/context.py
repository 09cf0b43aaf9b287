"""What is known of the request that this thread serves, and where its time went.

A WSGI server serves one request a thread from its beginning to its end. A worker's thread has
no request; there all of this is None and nothing is told of it.
"""

import threading


class Context(threading.local):
    """Ids for log lines, and seconds by step.

    `client` is the caller's address, `via` the way that something was asked for; `started` is when
    the statement at work began.
    """

    request_id: str | None = None
    trace_id: str | None = None
    client: str | None = None
    via: str = "command"
    started = 0.0
    token = 0.0
    database = 0.0
    s3 = 0.0

    def begin(self, request_id: str, trace_id: str, client: str | None) -> None:
        """Forget the request before."""
        self.request_id = request_id
        self.trace_id = trace_id
        self.client = client
        self.via = "api"
        self.token = self.database = self.s3 = 0.0

    def end(self) -> None:
        """Leave no request's ids to what the thread does next."""
        self.request_id = self.trace_id = self.client = None


context = Context()
