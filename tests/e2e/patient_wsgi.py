"""The API, but it waits a minute for the bucket, so that a test can hold an answer back."""

from broker.storage import factory

factory.READ_TIMEOUT_SECONDS = 60

from wsgi import app  # noqa: E402 (it creates the clients)

__all__ = ["app"]
