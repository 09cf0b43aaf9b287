"""Values that Schemathesis cannot take from the document: valid cursors and existing ids.

It is loaded by `schemathesis run`, not by pytest.
"""

import json
import os
import zlib
from typing import Any

import schemathesis
from hypothesis import strategies as st

from broker.api.request.page_cursors import encode, encode_feed
from broker.domain.media_types import UNNAMED_TYPES

# Fields that may be refused although they match the schema, because of other fields or of the
# operator's limits (`GET /api/profiles/`).
JUDGED = {"size", "checksum_sha256", "transport", "return_url"}
# Fields that depend on the upload's part plan, or that JSON Schema cannot describe: the number of
# each completed part is unique.
JUDGED_AT = {
    "/api/uploads/{upload_id}/parts/": {"part_number"},
    "/api/uppy/{capability}/s3/multipart/{upload_id}/batch": {"part_number"},
    "/api/uppy/{capability}/s3/multipart/{upload_id}/{part_number}": {"part_number"},
    "/api/uppy/{capability}/s3/multipart/{upload_id}/complete": {"parts"},
}
# Below these paths they depend on the profile, which an Uppy endpoint also has.
JUDGED_BELOW = {"/api/owners/": {"owner", "content_type"}, "/api/uppy/": {"content_type"}}
# Codes that mean that a request does not match the document.
NOT_AS_DESCRIBED = {"validation_error", "bad_request", "malformed_json", "invalid_idempotency_key"}
KNOWN: dict[str, list[Any]] = json.loads(os.environ.get("FUZZ_KNOWN", "{}"))

schemathesis.openapi.format("cursor", st.integers(1, 2**63 - 1).map(encode))
schemathesis.openapi.format(
    "feed-cursor",
    st.just("latest")
    | st.builds(encode_feed, st.from_regex("[0-9a-f]{8}", fullmatch=True), st.integers(0, 10**6)),
)


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Replace most generated ids by existing ones; a hash of the id decides which."""
    if not path_parameters:
        return path_parameters
    found = dict(path_parameters)
    for name, known in KNOWN.items():
        if name in found and found[name] not in known:
            # A hash, because for example all UUIDs have the same length.
            lot = zlib.crc32(str(found[name]).encode())
            if lot % 3:
                found[name] = known[lot // 3 % len(known)]
    return found


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Remove `Idempotency-Key` on links: a replayed answer may name an ad that was deleted."""
    if case.meta is not None and case.meta.phase.name.value == "stateful" and case.headers:
        case.headers.pop("Idempotency-Key", None)


@schemathesis.check
def valid_data_is_not_called_invalid(ctx: Any, response: Any, case: Any) -> None:
    """Check that valid data is not refused as invalid, by problem code instead of status.

    A 422 with `avatar_not_confirmed`, `object_mismatch`, `invalid_event` or
    `idempotency_key_reused` depends on state that no schema describes. A 422 with
    `validation_error` means that the document is wrong.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.headers.get("content-type", [""])[0] != "application/problem+json":
        return
    body = response.json()
    if body["code"] in NOT_AS_DESCRIBED:
        faults = fields_at_fault(body.get("errors", {}))
        assert faults, f"valid data is called {body['code']}"
        if "content_type" in faults and any(map(names_no_type, declared_files(case))):
            faults.remove("content_type")  # the extension of the file name decides
        faults -= JUDGED | JUDGED_AT.get(case.operation.path, set())
        for path, judged in JUDGED_BELOW.items():
            if case.operation.path.startswith(path):
                faults -= judged
        assert not faults, f"valid data is called invalid: {sorted(faults)}"


def declared_files(case: Any) -> list[dict[str, Any]]:
    """Return the files that a request declares: alone, in a batch, or in a query."""
    body = case.body if isinstance(case.body, dict) else {}
    return [*body.get("files", []), body, dict(case.query or {})]


def names_no_type(file: dict[str, Any]) -> bool:
    """Check whether a file has a name but no type, or one that says nothing."""
    declared = file.get("content_type") or file.get("type") or ""
    known_name = "file_name" in file or "filename" in file
    return known_name and str(declared).partition(";")[0].strip(" ").lower() in UNNAMED_TYPES


def fields_at_fault(errors: dict[str, Any]) -> set[str]:
    """Return the names of the invalid fields, without their index in a batch."""
    found: set[str] = set()
    for name, inner in errors.items():
        found |= fields_at_fault(inner) if isinstance(inner, dict) else {name}
    return found
