"""What servers do with multipart uploads."""

import hashlib
from collections.abc import Callable
from typing import Any

from tests.servers.abilities.trial import OTHER, Ability, Trial, digest, put, refusal, said

PART = b"a" * 5 * 1024 * 1024
LAST = b"b" * 1000


def sent(trial: Trial, key: str, sha256: bool = True) -> str:
    """Begin an upload and send its two parts; return its id."""
    multipart_id = trial.begin(key, sha256)
    for number, data in ((1, PART), (2, LAST)):
        put(trial.part(key, multipart_id, number, data, sha256), data)
    return multipart_id


def complete(
    trial: Trial, key: str, multipart_id: str, *, digests: bool = True, **changes: str
) -> dict[str, Any]:
    """Complete an upload, as boto3 does; return the answer."""
    where = {"Bucket": trial.bucket.name, "Key": key, "UploadId": multipart_id}
    parts: list[dict[str, Any]] = []
    for number, data in ((1, PART), (2, LAST)):
        one = {"PartNumber": number, "ETag": changes.get("etag", _etag(data))}
        parts.append({**one, "ChecksumSHA256": digest(data)} if digests else one)
    answer: dict[str, Any] = trial.client.complete_multipart_upload(
        **where, MultipartUpload={"Parts": parts}
    )
    return answer


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'


def with_body(data: bytes, declared: bytes = LAST) -> Ability:
    def ability(trial: Trial) -> str:
        key = trial.key()
        return said(put(trial.part(key, trial.begin(key), 1, declared), data))

    return ability


def without_digest(trial: Trial) -> str:
    key = trial.key()
    return said(put(trial.part(key, trial.begin(key), 1, LAST, sha256=False), LAST))


def listed(trial: Trial) -> list[Any]:
    key = trial.key()
    multipart_id = sent(trial, key)
    put(trial.part(key, multipart_id, 2, LAST), LAST)
    answer = trial.client.list_parts(Bucket=trial.bucket.name, Key=key, UploadId=multipart_id)
    return list(answer["Parts"])


def listed_digests(trial: Trial) -> str:
    return "listed" if all("ChecksumSHA256" in part for part in listed(trial)) else "**none**"


def listed_twice(trial: Trial) -> str:
    return "listed once" if len(listed(trial)) == 2 else "**listed twice**"


def completing(**changes: Any) -> Ability:
    def ability(trial: Trial) -> str:
        key = trial.key()
        multipart_id = sent(trial, key)
        return refusal(lambda: complete(trial, key, multipart_id, **changes)) or "200"

    return ability


def etag_of_answer(trial: Trial) -> str:
    key = trial.key()
    answer = complete(trial, key, sent(trial, key))
    stored = trial.client.head_object(Bucket=trial.bucket.name, Key=key)["ETag"]
    return "the object's" if answer["ETag"].strip('"') == stored.strip('"') else "**empty**"


def too_small(trial: Trial) -> str:
    key = trial.key()
    multipart_id = trial.begin(key, sha256=False)
    for number in (1, 2):
        put(trial.part(key, multipart_id, number, LAST, sha256=False), LAST)
    parts = [{"PartNumber": number, "ETag": _etag(LAST)} for number in (1, 2)]
    where = {"Bucket": trial.bucket.name, "Key": key, "UploadId": multipart_id}
    finish = trial.client.complete_multipart_upload
    return refusal(lambda: finish(**where, MultipartUpload={"Parts": parts})) or "200"


def digest_of_head(trial: Trial) -> str:
    key = trial.key()
    complete(trial, key, sent(trial, key))
    found = trial.storage.head(key).checksum_sha256
    return "none" if found is None else "composite" if found.endswith("-2") else found


def afterwards(act: Callable[[Trial, str, str], Any], *, aborted: bool = False) -> Ability:
    """Return the ability to answer a call after an upload was completed or aborted."""

    def ability(trial: Trial) -> str:
        key = trial.key()
        multipart_id = sent(trial, key)
        if aborted:
            _abort(trial, key, multipart_id)
        else:
            complete(trial, key, multipart_id)
        return refusal(lambda: act(trial, key, multipart_id)) or "2xx"

    return ability


def _abort(trial: Trial, key: str, multipart_id: str) -> None:
    trial.client.abort_multipart_upload(Bucket=trial.bucket.name, Key=key, UploadId=multipart_id)


def _list(trial: Trial, key: str, multipart_id: str) -> None:
    trial.client.list_parts(Bucket=trial.bucket.name, Key=key, UploadId=multipart_id)


def listed_by_prefix(trial: Trial) -> str:
    key = trial.key("media/ads/ad_7")
    trial.begin(key)
    found = trial.client.list_multipart_uploads(Bucket=trial.bucket.name, Prefix="media/ads/ad_7/")
    return "all below it" if found.get("Uploads") else "only of a whole key"


def copy_source(trial: Trial) -> str:
    source, key = trial.key(), trial.key()
    trial.store(source, OTHER)
    multipart_id = trial.begin(key, sha256=False)
    signed = trial.part(key, multipart_id, 1, LAST, sha256=False)
    answer = put(signed, LAST, {"x-amz-copy-source": f"/{trial.bucket.name}/{source}"})
    sizes = [part.size for part in trial.storage.multipart.list_parts(key, multipart_id)]
    return f"{said(answer)}, **copies**" if len(OTHER) in sizes else said(answer)


PARTS: dict[str, Ability] = {
    "a part as issued": with_body(LAST),
    "a longer part": with_body(LAST + b"x"),
    "a shorter part": with_body(LAST[:-1]),
    "a part with other bytes": with_body(LAST[::-1], declared=b"c" * len(LAST)),
    "a part without digest, upload made with SHA-256": without_digest,
    "a part with `x-amz-copy-source`, signed by the root user": copy_source,
    "ListParts: digests": listed_digests,
    "ListParts: a part that was sent twice": listed_twice,
    "complete with ETags alone, upload made with SHA-256": completing(digests=False),
    "complete with another ETag": completing(etag='"00000000000000000000000000000000"'),
    "the ETag in the answer of complete": etag_of_answer,
    "a part below 5 MiB that is not the last": too_small,
    "digest of HEAD, upload made with SHA-256": digest_of_head,
    "complete a second time": afterwards(complete),
    "complete after abort": afterwards(complete, aborted=True),
    "list after complete": afterwards(_list),
    "list after abort": afterwards(_list, aborted=True),
    "abort a second time": afterwards(_abort, aborted=True),
    "ListMultipartUploads by prefix": listed_by_prefix,
}
