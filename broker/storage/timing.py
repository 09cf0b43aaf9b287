"""Observe the duration and errors of S3 calls: metrics, the request's context, spans."""

import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from broker.storage.translation import translate, translate_of_completion, translate_of_copy
from broker.telemetry import tracing
from broker.telemetry.context import context as request
from broker.telemetry.metrics import S3_ERRORS, S3_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_STARTED = "broker.started"
_TRANSLATIONS = {
    "CopyObject": translate_of_copy,
    "UploadPartCopy": translate_of_copy,
    "CompleteMultipartUpload": translate_of_completion,
}


def watch(client: "S3Client") -> None:
    """Observe every call of the client, including its retries."""
    client.meta.events.register("before-call.s3", _begin)
    client.meta.events.register("after-call.s3", _end)
    client.meta.events.register("after-call-error.s3", _failed)


def _begin(context: dict[str, Any], **_: Any) -> None:
    context[_STARTED] = time.perf_counter()


def _end(http_response: Any, parsed: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
    kind = None
    if http_response.status_code >= 300:
        of = _TRANSLATIONS.get(model.name, translate)
        kind = of(ClientError(parsed, model.name)).code
    observe(model.name, time.perf_counter() - context[_STARTED], kind)


def _failed(exception: Exception, context: dict[str, Any], event_name: str, **_: Any) -> None:
    # An exception that botocore does not wrap is a bug in the broker, not an answer of the bucket.
    kind = translate(exception).code if isinstance(exception, BotoCoreError) else "internal_error"
    observe(event_name.rpartition(".")[2], time.perf_counter() - context[_STARTED], kind)


def observe(operation: str, seconds: float, kind: str | None) -> None:
    """Observe one call; `kind` is the code of the error that it caused, if any."""
    request.s3 += seconds
    S3_SECONDS.labels(operation).observe(seconds)
    if kind is not None:
        S3_ERRORS.labels(operation, kind).inc()
    attributes = {"rpc.system": "aws-api", "rpc.service": "S3", "rpc.method": operation}
    tracing.record(f"S3.{operation}", seconds, attributes, error=kind)
