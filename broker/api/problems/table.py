"""The problem types of the API: the one table of codes, statuses and texts, by status.

`docs/errors.md`, the page `/docs/errors`, the OpenAPI document and the codes in
`clients/js/broker.d.ts` are made from this table or checked against it. How a problem becomes a
response is in `handlers`.
"""

from broker.api.problems.of_uploads import UPLOADS
from broker.api.problems.problem_type import ProblemType

_OTHERS = (
    ProblemType(
        "malformed_json",
        400,
        "Malformed JSON",
        "the body is not JSON, is not UTF-8, repeats a key, or is nested more than 20 levels deep",
        "correct the body",
    ),
    ProblemType(
        "bad_request",
        400,
        "Bad request",
        "the request cannot be parsed, or its `Host` is not a host of this API",
        "correct the request",
    ),
    ProblemType(
        "invalid_idempotency_key",
        400,
        "Invalid Idempotency-Key",
        "`Idempotency-Key` is not a single key of 1 to 255 visible ASCII characters; a key without "
        'double quotes around it must not contain `"` or `,`',
        "send one key, such as a UUID",
    ),
    ProblemType(
        "token_missing", 401, "Token required", "the request has no bearer token", "sign in"
    ),
    ProblemType(
        "token_invalid",
        401,
        "Invalid token",
        "the token was not issued by the marketplace, or its claims are wrong; `detail` says more",
        "sign in again",
    ),
    ProblemType(
        "token_expired", 401, "Token expired", "the token's `exp` has passed", "get a new token"
    ),
    ProblemType(
        "events_secret_invalid",
        401,
        "Invalid secret for bucket notifications",
        "bucket notifications: the bearer token is not `BROKER_BUCKET_NOTIFICATIONS_SECRET`",
        "operators: configure that secret in the bucket's webhook",
    ),
    ProblemType(
        "forbidden",
        403,
        "Forbidden",
        "the ad or the account belongs to another user, the token has no grant for the owner, or "
        "only services may do this",
        "do not retry; use an account that owns it, or get a token with the grant",
    ),
    ProblemType(
        "capability_invalid",
        403,
        "Invalid Uppy endpoint",
        "Uppy: the endpoint's signature is wrong, or its session was deleted long ago",
        "open a new session",
    ),
    ProblemType(
        "capability_expired",
        403,
        "Uppy endpoint expired",
        "Uppy: the endpoint has expired",
        "open a new session and continue the same uploads with it",
    ),
    ProblemType(
        "capability_revoked",
        403,
        "Uppy endpoint revoked",
        "Uppy: the endpoint was revoked",
        "open a new session",
    ),
    ProblemType(
        "capability_exhausted",
        403,
        "Uppy endpoint used up",
        "Uppy: the endpoint has reached its limit of files or bytes",
        "open a new session",
    ),
    ProblemType(
        "not_found",
        404,
        "Not found",
        "the resource does not exist, or the caller has no access to it",
        "check the URL; do not retry",
    ),
    ProblemType(
        "method_not_allowed",
        405,
        "Method not allowed",
        "the path does not support this method; `Allow` lists the supported ones",
        "correct the request",
    ),
    ProblemType(
        "idempotency_in_flight",
        409,
        "First request still in progress",
        "a request with this key is in progress, or was interrupted less than a minute ago",
        "send the same request again after `Retry-After`",
    ),
    ProblemType(
        "cursor_expired",
        410,
        "Cursor expired",
        "services: events after this cursor were deleted, or the database was restored",
        "request `/api/events/?after=latest`, read all files from `/api/files/`, and go on from "
        "the new cursor",
    ),
    ProblemType(
        "body_too_large",
        413,
        "Body too large",
        "the body is over 64 KiB, or over 1 MiB for batches and bucket notifications",
        "send a smaller body; send files to the bucket",
    ),
    ProblemType(
        "unsupported_media_type",
        415,
        "Content-Type must be application/json",
        "the body is not JSON, or a file was sent to the API",
        "request a ticket with JSON and send the file to the bucket",
    ),
    ProblemType(
        "validation_error",
        422,
        "Invalid fields",
        "a field is missing, unknown, of the wrong type or out of range; see `errors`",
        "correct the fields",
    ),
    ProblemType(
        "idempotency_key_reused",
        422,
        "Idempotency-Key reused",
        "the `Idempotency-Key` was already sent with another method, path or body",
        "use a new key for each new request",
    ),
    ProblemType(
        "invalid_event",
        422,
        "Invalid bucket notification",
        "the body is not a bucket notification",
        "send notifications in the format of S3, SNS, EventBridge, MinIO or SeaweedFS",
    ),
    ProblemType(
        "rate_limited",
        429,
        "Too many requests",
        "the caller exceeded a rate limit; `RateLimit-Policy` and `RateLimit` say which",
        "send the same request again after `Retry-After`",
    ),
    ProblemType(
        "internal_error",
        500,
        "Internal error",
        "an error in the broker; it is logged with the request's id",
        "report it with the `X-Request-ID`",
    ),
    ProblemType(
        "events_not_configured",
        503,
        "Bucket notifications are not configured",
        "`BROKER_BUCKET_NOTIFICATIONS_SECRET` is not set",
        "operators: set it",
    ),
    ProblemType(
        "uppy_not_configured",
        503,
        "Uppy is not configured",
        "tokens are signed with RS256 or ES256 and `BROKER_CAPABILITY_SECRET` is not set; or the "
        "request's host is neither in `BROKER_PUBLIC_URL` nor in `BROKER_ALLOWED_HOSTS`",
        "operators: set them",
    ),
    ProblemType(
        "draining",
        503,
        "Shutting down",
        "only `/readyz`: the process is shutting down and should get no new requests",
        "load balancers: send requests to another process",
    ),
    ProblemType(
        "storage_unavailable",
        503,
        "Bucket unavailable",
        "the bucket does not respond; nothing was changed",
        "try again after `Retry-After`",
    ),
    ProblemType(
        "storage_denied",
        503,
        "Bucket denied access",
        "the bucket denied the broker's own credentials; nothing was changed",
        "operators: check the bucket policy and the keys",
    ),
    ProblemType(
        "keys_unavailable",
        503,
        "Token keys unavailable",
        "the token's key is not among the issuer's keys that are loaded, or these are too old",
        "try again after `Retry-After`; the token may be valid",
    ),
    ProblemType(
        "database_unavailable",
        503,
        "Database unavailable",
        "the database does not respond; nothing was changed",
        "try again after `Retry-After`",
    ),
    ProblemType(
        "database_not_migrated",
        503,
        "Database not migrated",
        "the database lacks a migration of this release, `BROKER_INSPECTION` is `required` and "
        "uploads of release 0.2 are pending, or a profile in use has another prefix or visibility; "
        "nothing was changed",
        "try again after `Retry-After`; operators: run `broker db upgrade`, set "
        "`BROKER_INSPECTION=off` until those uploads have ended, or give all processes the same "
        "file of profiles",
    ),
)
PROBLEMS = {one.code: one for one in sorted((*_OTHERS, *UPLOADS), key=lambda one: one.status)}
