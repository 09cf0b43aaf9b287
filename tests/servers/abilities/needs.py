"""What the broker needs of a server, judged from what was seen: the first table of the page."""

from collections.abc import Callable, Mapping

from broker.domain.s3_servers import Digests, Feature
from tests.servers.abilities.keys import NO_POLICIES

Seen = Mapping[str, Mapping[str, str]]
YES, NO = "yes", "**no**"


def is_accepted(answer: str) -> bool:
    return answer.startswith("2") and "**" not in answer


def is_refused(answer: str) -> bool:
    """Check whether a server refused something; which code it used does not matter."""
    return answer.startswith(("400", "403"))


def _accepts(table: str, case: str) -> Callable[[Seen], bool]:
    return lambda seen: is_accepted(seen[table][case])


def _refuses(table: str, case: str) -> Callable[[Seen], bool]:
    return lambda seen: is_refused(seen[table][case])


def opens_prefixes(seen: Seen) -> bool:
    objects = seen["objects"]
    return is_accepted(objects["GET without a signature: `media/`"]) and is_refused(
        objects["GET without a signature: `incoming/`"]
    )


def stops_copies(seen: Seen) -> bool:
    """Check whether a presigned PUT never becomes a copy, if the API's key has its policy."""
    own = seen["keys"]["`api`: a presigned PUT with a further `x-amz-copy-source`"]
    case = "a further `x-amz-copy-source` header, signed by the root user"
    return is_refused(seen["presigned PUT"][case] if own == NO_POLICIES else own)


NEEDS: dict[str, Callable[[Seen], bool]] = {
    "POST forms": _accepts("forms", "as issued"),
    "presigned PUTs": _accepts("presigned PUT", "as issued"),
    "multipart uploads": _accepts("multipart uploads", "a part as issued"),
    "an object has the Cache-Control of its form": lambda seen: (
        seen["forms"]["its Cache-Control"] == "stored"
    ),
    "a form with other bytes is refused": _refuses("forms", "other bytes of the same length"),
    "a PUT with other bytes is refused": _refuses(
        "presigned PUT", "other bytes of the same length"
    ),
    "a part with other bytes is refused": _refuses("multipart uploads", "a part with other bytes"),
    "HEAD returns the digest": lambda seen: (
        seen["objects"]["HEAD: the digest of a form"] == "returned"
    ),
    "a PUT is written once": lambda seen: seen["presigned PUT"]["a second time"].startswith("412"),
    "a copy is refused if its source was replaced": lambda seen: seen["objects"][
        "copy, conditional on a wrong ETag"
    ].startswith("412"),
    "a presigned PUT never copies, with the policies of `broker bucket iam`": stops_copies,
    "anyone may read one prefix, and nothing else": opens_prefixes,
    "CORS rules of the bucket": _accepts("configuration", "PutBucketCors"),
    "objects below a prefix expire": _accepts(
        "configuration", "lifecycle rule: Expiration of a prefix"
    ),
    "incomplete uploads are aborted": _accepts(
        "configuration", "lifecycle rule: AbortIncompleteMultipartUpload"
    ),
    "bucket notifications": _accepts("configuration", "GetBucketNotificationConfiguration"),
}


def judged(seen: Seen) -> dict[str, str]:
    """Return the first table's column of a server."""
    return {need: YES if holds(seen) else NO for need, holds in NEEDS.items()}


def digests(seen: Seen) -> Digests:
    """Return what the row of the server must say about digests."""
    found = {need: NEEDS[need](seen) for need in NEEDS if need.endswith("other bytes is refused")}
    if not all(found.values()):
        return Digests.IGNORED
    return Digests.RETURNED if NEEDS["HEAD returns the digest"](seen) else Digests.ENFORCED


def lacking(seen: Seen) -> frozenset[Feature]:
    """Return what the row of the server must say that it lacks."""
    cases = {
        Feature.PUBLIC_ACCESS_BLOCK: "GetPublicAccessBlock",
        Feature.POLICY: "PutBucketPolicy",
        Feature.CORS: "PutBucketCors",
        Feature.EXPIRATION: "lifecycle rule: Expiration of a prefix",
        Feature.ABORT_PARTS: "lifecycle rule: AbortIncompleteMultipartUpload",
        Feature.NOTIFICATIONS: "GetBucketNotificationConfiguration",
    }
    found = seen["configuration"]
    return frozenset(feature for feature, case in cases.items() if not is_accepted(found[case]))
