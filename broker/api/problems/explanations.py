"""What each problem code means and what to do about it, for OpenAPI and the page of errors.

docs/errors.md has the same lines; statuses and titles are in `problems.py`.
"""

EXPLANATIONS: dict[str, tuple[str, str]] = {
    "malformed_json": (
        "the body is no JSON, not UTF-8, names a key twice, or is nested more than 20 deep",
        "mend the body",
    ),
    "bad_request": (
        "the request itself cannot be read, or its `Host` is not the API's",
        "mend the request",
    ),
    "invalid_idempotency_key": (
        "`Idempotency-Key` is not one key of 1 to 255 visible ASCII characters, in double quotes "
        'or bare; bare without `"` and `,`',
        "send one key, such as a UUID",
    ),
    "token_missing": ("no bearer token", "sign in"),
    "token_invalid": ("the token is not one of the marketplace's", "sign in again"),
    "token_expired": ("the token's `exp` has passed", "get a fresh token"),
    "events_secret_invalid": (
        "`POST /api/bucket_notifications/`: the bearer is not `BROKER_BUCKET_NOTIFICATIONS_SECRET`",
        "give the bucket's notification that secret",
    ),
    "forbidden": ("the ad or user is somebody else's", "nothing"),
    "capability_invalid": (
        "Uppy: the endpoint is forged, or its session is long gone",
        "open a new session",
    ),
    "capability_expired": (
        "Uppy: the endpoint's time has passed",
        "open a new session and go on with the same uploads",
    ),
    "capability_revoked": ("Uppy: the endpoint was revoked", "open a new session"),
    "capability_exhausted": (
        "Uppy: the endpoint's files or bytes are used up",
        "open a new session",
    ),
    "not_found": ("no such thing, or none that you may know of", "nothing"),
    "method_not_allowed": (
        "the path has no such method; `Allow` names those it has",
        "mend the request",
    ),
    "object_missing": ("the bucket does not hold the object yet", "upload, then confirm again"),
    "parts_missing": (
        "parts have not arrived whole; `errors.parts` has their numbers",
        "send those parts, then complete again",
    ),
    "not_multipart": ("the upload's transport has no planned parts", "send it as its ticket says"),
    "upload_settled": ("the upload is confirmed already", "read the upload"),
    "image_limit_reached": ("the ad has no place left", "delete an image or cancel a ticket"),
    "idempotency_in_flight": (
        "a request with the same `Idempotency-Key` is at work, or died less than a minute ago",
        "send the same request again after `Retry-After`",
    ),
    "upload_expired": ("the ticket and its grace have passed", "ask for a new ticket"),
    "upload_cancelled": ("the ticket was given back", "ask for a new ticket"),
    "image_deleted": ("the image was recorded and has been deleted since", "nothing"),
    "body_too_large": (
        "over 64 KiB, or 1 MiB for a batch of files or parts, and for events",
        "send less; files go to the bucket",
    ),
    "unsupported_media_type": (
        "not JSON; file bytes were sent to the API",
        "ask for a ticket in JSON, send the bytes to the bucket",
    ),
    "validation_error": (
        "a field is missing, unknown, of another type or out of range; see `errors`",
        "mend the fields",
    ),
    "idempotency_key_reused": (
        "the `Idempotency-Key` was sent before with another method, path or body",
        "take a new key for a new request",
    ),
    "avatar_not_confirmed": (
        "the id is not that of your confirmed avatar",
        "confirm the upload; that sets the avatar",
    ),
    "invalid_event": (
        "`POST /api/bucket_notifications/`: no notification of a bucket",
        "send S3's, MinIO's or SeaweedFS's own",
    ),
    "object_mismatch": (
        "the object is not the declared one; it is deleted",
        "ask for a new ticket",
    ),
    "rate_limited": (
        "more requests than a policy lets through in its time; `RateLimit-Policy` and `RateLimit` "
        "tell which",
        "send the same request again after `Retry-After`",
    ),
    "quota_exceeded": (
        "the bytes or files that a user may reserve in a window are used up; `errors` says which, "
        "and what is left",
        "ask for less, or wait for `Retry-After`; what is cancelled is free once its form is dead",
    ),
    "internal_error": ("a fault of ours; it is logged under the request's id", "report it"),
    "events_not_configured": (
        "`BROKER_BUCKET_NOTIFICATIONS_SECRET` is not set",
        "operators: set it",
    ),
    "uppy_not_configured": (
        "with RS256 or ES256 no `BROKER_CAPABILITY_SECRET` is set; or the API is reached by a "
        "host that neither `BROKER_PUBLIC_URL` nor `BROKER_ALLOWED_HOSTS` names",
        "operators: set them",
    ),
    "draining": (
        "`/readyz` alone: the process is about to end and wants no new requests",
        "load balancers: send them to another one",
    ),
    "storage_unavailable": (
        "the bucket does not answer; nothing has changed",
        "try again after `Retry-After`",
    ),
    "storage_denied": (
        "the bucket refuses the broker's own credentials; nothing has changed",
        "operators: check policy and keys",
    ),
    "keys_unavailable": (
        "`BROKER_JWT_JWKS_URL` gives no keys, and the token's is not known from before",
        "try again after `Retry-After`; the sign-in may be as good as ever",
    ),
    "database_unavailable": (
        "the database does not answer; nothing has changed",
        "try again after `Retry-After`",
    ),
}
