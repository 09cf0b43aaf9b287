"""What Schemathesis cannot know from the document: what a cursor is, and which uploads there are.

It is loaded by `schemathesis run`, not by pytest.
"""

import json
import os
import zlib
from typing import Any

import schemathesis
from hypothesis import strategies as st

from broker.api.request.page_cursors import encode

# What rules across fields and the operator's limits may refuse of a body that the schema takes:
# the document is one for all operators, `GET /api/profiles/` tells theirs.
JUDGED = {"size", "checksum_sha256", "transport", "return_url"}
# What an upload's own plan decides.
JUDGED_AT = {
    "/api/uploads/{upload_id}/parts/": {"part_number"},
    "/api/uppy/{capability}/s3/multipart/{upload_id}/batch": {"part_number"},
    "/api/uppy/{capability}/s3/multipart/{upload_id}/{part_number}": {"part_number"},
}
# Codes that say that a request is not what the document describes.
NOT_AS_DESCRIBED = {"validation_error", "bad_request", "malformed_json", "invalid_idempotency_key"}
KNOWN: dict[str, list[Any]] = json.loads(os.environ.get("FUZZ_KNOWN", "{}"))

schemathesis.openapi.format("cursor", st.integers(1, 2**63 - 1).map(encode))


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Ask for what exists as often as for what does not; the ids made up decide which."""
    if not path_parameters:
        return path_parameters
    found = dict(path_parameters)
    for name, known in KNOWN.items():
        if name in found and found[name] not in known:
            # Not by its length, say: all UUIDs have one.
            lot = zlib.crc32(str(found[name]).encode())
            if lot % 3:
                found[name] = known[lot // 3 % len(known)]
    return found


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Send no `Idempotency-Key` along links: its answer may be of an ad deleted since."""
    if case.meta is not None and case.meta.phase.name.value == "stateful" and case.headers:
        case.headers.pop("Idempotency-Key", None)


@schemathesis.check
def valid_data_is_not_called_invalid(ctx: Any, response: Any, case: Any) -> None:
    """Hold `positive_data_acceptance` to codes: its 422 is one status for several things.

    `avatar_not_confirmed`, `object_mismatch`, `invalid_event` and `idempotency_key_reused` tell of
    a state, which no schema describes; `validation_error` would tell of the document's fault.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.headers.get("content-type", [""])[0] != "application/problem+json":
        return
    body = response.json()
    if body["code"] in NOT_AS_DESCRIBED:
        faults = fields_at_fault(body.get("errors", {}))
        assert faults, f"valid data is called {body['code']}"
        faults -= JUDGED | JUDGED_AT.get(case.operation.path, set())
        assert not faults, f"valid data is called invalid: {sorted(faults)}"


def fields_at_fault(errors: dict[str, Any]) -> set[str]:
    """Name the fields, without the places in a batch where they are."""
    found: set[str] = set()
    for name, inner in errors.items():
        found |= fields_at_fault(inner) if isinstance(inner, dict) else {name}
    return found
