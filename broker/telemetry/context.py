"""The request that this thread serves, and how long its steps took.

A WSGI server uses one thread for a whole request. A worker's thread has no request: its ids are
None and are left out of log lines.
"""

import threading


class Context(threading.local):
    """Ids for log lines, and the seconds of each step.

    Attributes:
        request_id: for log lines and the answer's header.
        trace_id: from `traceparent`, or from our own span.
        client: the caller's address.
        via: what made the request: the API, an Uppy endpoint, a notification or a command.
        started: when the current SQL statement began.
        token: seconds spent on verifying the token.
        database: seconds spent in the database.
        s3: seconds spent on S3 calls.
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
        """Begin a request; reset everything from the previous one."""
        self.request_id = request_id
        self.trace_id = trace_id
        self.client = client
        self.via = "api"
        self.token = self.database = self.s3 = 0.0

    def end(self) -> None:
        """End the request; reset its ids."""
        self.request_id = self.trace_id = self.client = None


context = Context()
