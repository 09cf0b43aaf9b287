"""The problem types of the API: the one table of codes, statuses and texts.

`docs/errors.md`, the page `/docs/errors`, the OpenAPI document and the codes in
`clients/js/broker.d.ts` are made from this table or checked against it. How a problem becomes a
response is in `handlers`.
"""

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A problem type (RFC 9457). `meaning` and `advice` are Markdown without a full stop."""

    code: str
    status: HTTPStatus
    title: str
    meaning: str
    advice: str


_TABLE = (
    ProblemType(
        "malformed_json",
        HTTPStatus.BAD_REQUEST,
        "Malformed JSON",
        "the body is not JSON, is not UTF-8, repeats a key, or is nested more than 20 levels deep",
        "correct the body",
    ),
    ProblemType(
        "bad_request",
        HTTPStatus.BAD_REQUEST,
        "Bad request",
        "the request cannot be parsed, or its `Host` is not a host of this API",
        "correct the request",
    ),
    ProblemType(
        "invalid_idempotency_key",
        HTTPStatus.BAD_REQUEST,
        "Invalid Idempotency-Key",
        "`Idempotency-Key` is not a single key of 1 to 255 visible ASCII characters; a key without "
        'double quotes around it must not contain `"` or `,`',
        "send one key, such as a UUID",
    ),
    ProblemType(
        "token_missing",
        HTTPStatus.UNAUTHORIZED,
        "Token required",
        "the request has no bearer token",
        "sign in",
    ),
    ProblemType(
        "token_invalid",
        HTTPStatus.UNAUTHORIZED,
        "Invalid token",
        "the token was not issued by the marketplace, or its claims are wrong",
        "sign in again",
    ),
    ProblemType(
        "token_expired",
        HTTPStatus.UNAUTHORIZED,
        "Token expired",
        "the token's `exp` has passed",
        "get a new token",
    ),
    ProblemType(
        "events_secret_invalid",
        HTTPStatus.UNAUTHORIZED,
        "Invalid secret for bucket notifications",
        "`POST /api/bucket_notifications/`: the bearer token is not "
        "`BROKER_BUCKET_NOTIFICATIONS_SECRET`",
        "operators: configure that secret in the bucket's webhook",
    ),
    ProblemType(
        "forbidden",
        HTTPStatus.FORBIDDEN,
        "Forbidden",
        "the ad or the profile belongs to another user",
        "do not retry; use an account that owns it",
    ),
    ProblemType(
        "capability_invalid",
        HTTPStatus.FORBIDDEN,
        "Invalid Uppy endpoint",
        "Uppy: the endpoint's signature is wrong, or its session was deleted long ago",
        "open a new session",
    ),
    ProblemType(
        "capability_expired",
        HTTPStatus.FORBIDDEN,
        "Uppy endpoint expired",
        "Uppy: the endpoint has expired",
        "open a new session and continue the same uploads with it",
    ),
    ProblemType(
        "capability_revoked",
        HTTPStatus.FORBIDDEN,
        "Uppy endpoint revoked",
        "Uppy: the endpoint was revoked",
        "open a new session",
    ),
    ProblemType(
        "capability_exhausted",
        HTTPStatus.FORBIDDEN,
        "Uppy endpoint used up",
        "Uppy: the endpoint has reached its limit of files or bytes",
        "open a new session",
    ),
    ProblemType(
        "not_found",
        HTTPStatus.NOT_FOUND,
        "Not found",
        "the resource does not exist, or the caller has no access to it",
        "check the URL; do not retry",
    ),
    ProblemType(
        "method_not_allowed",
        HTTPStatus.METHOD_NOT_ALLOWED,
        "Method not allowed",
        "the path does not support this method; `Allow` lists the supported ones",
        "correct the request",
    ),
    ProblemType(
        "object_missing",
        HTTPStatus.CONFLICT,
        "Object not in the bucket",
        "the object is not in the bucket yet",
        "upload it, then confirm again",
    ),
    ProblemType(
        "parts_missing",
        HTTPStatus.CONFLICT,
        "Parts missing",
        "some parts are missing or incomplete; `errors.parts` lists their numbers",
        "send those parts, then complete the upload again",
    ),
    ProblemType(
        "not_multipart",
        HTTPStatus.CONFLICT,
        "Not a multipart upload",
        "the upload's transport is not `multipart`",
        "send the file as its ticket says",
    ),
    ProblemType(
        "upload_settled",
        HTTPStatus.CONFLICT,
        "Upload already confirmed",
        "the upload is already confirmed",
        "read the upload",
    ),
    ProblemType(
        "image_limit_reached",
        HTTPStatus.CONFLICT,
        "Image limit reached",
        "the ad has no free image slot",
        "delete an image or cancel a ticket",
    ),
    ProblemType(
        "idempotency_in_flight",
        HTTPStatus.CONFLICT,
        "First request still in progress",
        "a request with the same `Idempotency-Key` is in progress, or was interrupted less than a "
        "minute ago",
        "send the same request again after `Retry-After`",
    ),
    ProblemType(
        "upload_expired",
        HTTPStatus.GONE,
        "Upload expired",
        "the ticket and its grace period have expired",
        "request a new ticket",
    ),
    ProblemType(
        "upload_cancelled",
        HTTPStatus.GONE,
        "Upload cancelled",
        "the upload was cancelled",
        "request a new ticket",
    ),
    ProblemType(
        "image_deleted",
        HTTPStatus.GONE,
        "Image deleted",
        "the upload was confirmed, and its image was deleted later",
        "upload the file again if it is still wanted",
    ),
    ProblemType(
        "body_too_large",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "Body too large",
        "the body is larger than 64 KiB, or 1 MiB for batches of files or parts and for bucket "
        "notifications",
        "send a smaller body; send files to the bucket",
    ),
    ProblemType(
        "unsupported_media_type",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "Content-Type must be application/json",
        "the body is not JSON, or a file was sent to the API",
        "request a ticket with JSON and send the file to the bucket",
    ),
    ProblemType(
        "validation_error",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Invalid fields",
        "a field is missing, unknown, of the wrong type or out of range; see `errors`",
        "correct the fields",
    ),
    ProblemType(
        "idempotency_key_reused",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Idempotency-Key reused",
        "the `Idempotency-Key` was already sent with another method, path or body",
        "use a new key for each new request",
    ),
    ProblemType(
        "avatar_not_confirmed",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Avatar not confirmed",
        "the id is not the id of a confirmed avatar upload of this user",
        "confirm the upload; that sets the avatar",
    ),
    ProblemType(
        "invalid_event",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Invalid bucket notification",
        "`POST /api/bucket_notifications/`: the body is not a bucket notification",
        "send notifications in the format of S3, SNS, EventBridge, MinIO or SeaweedFS",
    ),
    ProblemType(
        "object_mismatch",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Object differs from its declaration",
        "the object in the bucket differs from the declared file; it is deleted",
        "request a new ticket",
    ),
    ProblemType(
        "rate_limited",
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many requests",
        "the caller exceeded a rate limit; `RateLimit-Policy` and `RateLimit` say which",
        "send the same request again after `Retry-After`",
    ),
    ProblemType(
        "quota_exceeded",
        HTTPStatus.TOO_MANY_REQUESTS,
        "Quota exceeded",
        "the user has used up the quota of bytes or files; `errors` says which one and what is "
        "left",
        "request less, or wait for `Retry-After`; the bytes of a cancelled upload count until its "
        "presigned request has expired",
    ),
    ProblemType(
        "internal_error",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Internal error",
        "an error in the broker; it is logged with the request's id",
        "report it with the `X-Request-ID`",
    ),
    ProblemType(
        "events_not_configured",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Bucket notifications are not configured",
        "`BROKER_BUCKET_NOTIFICATIONS_SECRET` is not set",
        "operators: set it",
    ),
    ProblemType(
        "uppy_not_configured",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Uppy is not configured",
        "tokens are signed with RS256 or ES256 and `BROKER_CAPABILITY_SECRET` is not set; or the "
        "request's host is neither in `BROKER_PUBLIC_URL` nor in `BROKER_ALLOWED_HOSTS`",
        "operators: set them",
    ),
    ProblemType(
        "draining",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Shutting down",
        "only `/readyz`: the process is shutting down and should get no new requests",
        "load balancers: send requests to another process",
    ),
    ProblemType(
        "storage_unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Bucket unavailable",
        "the bucket does not respond; nothing was changed",
        "try again after `Retry-After`",
    ),
    ProblemType(
        "storage_denied",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Bucket denied access",
        "the bucket denied the broker's own credentials; nothing was changed",
        "operators: check the bucket policy and the keys",
    ),
    ProblemType(
        "keys_unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Token keys unavailable",
        "the keys at `BROKER_JWT_JWKS_URL` cannot be fetched, and the token's key is not cached",
        "try again after `Retry-After`; the token may be valid",
    ),
    ProblemType(
        "database_unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Database unavailable",
        "the database does not respond; nothing was changed",
        "try again after `Retry-After`",
    ),
)
PROBLEMS = {one.code: one for one in _TABLE}
