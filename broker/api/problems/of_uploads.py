"""The problem types of ads, uploads, images and quotas; a part of `table`."""

from broker.api.problems.problem_type import ProblemType

UPLOADS = (
    ProblemType(
        "ad_owned_by_another",
        409,
        "Ad of another user",
        "services: the ad with this id belongs to another user; nothing was changed",
        "check the id and the owner; to give the ad to another user, delete it first",
    ),
    ProblemType(
        "user_erased",
        409,
        "User erased",
        "services: the user was erased after this token was issued; nothing was changed",
        "if the user has registered again, use a token that was issued later",
    ),
    ProblemType(
        "object_missing",
        409,
        "Object not in the bucket",
        "the object is not in the bucket yet",
        "upload it, then confirm again",
    ),
    ProblemType(
        "parts_missing",
        409,
        "Parts missing",
        "some parts are missing or incomplete; `errors.parts` lists their numbers",
        "send those parts, then complete the upload again",
    ),
    ProblemType(
        "not_multipart",
        409,
        "Not a multipart upload",
        "the upload's transport is not `multipart`",
        "send the file as its ticket says",
    ),
    ProblemType(
        "upload_settled",
        409,
        "Upload no longer pending",
        "the upload is already confirmed, or its file is being processed",
        "read the upload",
    ),
    ProblemType(
        "image_limit_reached",
        409,
        "Image limit reached",
        "the ad, or another owner, has no free slot: the `max_count` of its profile is reached",
        "delete a file or cancel a ticket",
    ),
    ProblemType(
        "upload_expired",
        410,
        "Upload expired",
        "the ticket and its grace period have expired",
        "request a new ticket",
    ),
    ProblemType(
        "upload_cancelled",
        410,
        "Upload cancelled",
        "the upload was cancelled",
        "request a new ticket",
    ),
    ProblemType(
        "image_deleted",
        410,
        "Image deleted",
        "the upload was confirmed, and its image was deleted later",
        "upload the file again if it is still wanted",
    ),
    ProblemType(
        "avatar_not_confirmed",
        422,
        "Avatar not confirmed",
        "the id is not the id of a confirmed avatar upload of this user",
        "confirm the upload; that sets the avatar",
    ),
    ProblemType(
        "object_mismatch",
        422,
        "Object differs from its declaration",
        "the object in the bucket differs from the declared file, or the bucket does not show it to"
        " the broker (for example, because its client encrypted it with a key of its own); it is"
        " deleted",
        "request a new ticket",
    ),
    ProblemType(
        "upload_rejected",
        422,
        "Upload rejected",
        "the worker inspected the file and rejected it; `reason` is the code of the reason",
        "do not retry; choose another file",
    ),
    ProblemType(
        "quota_exceeded",
        429,
        "Quota exceeded",
        "the user has used up the quota of bytes or files; `errors` says which and what is left",
        "request less, or wait for `Retry-After`; the bytes of a cancelled upload count until its "
        "presigned request has expired",
    ),
)
