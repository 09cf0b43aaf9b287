"""OpenAPI links: which operations can follow an operation, with the values that they need.

Client generators, documentation readers and fuzzers use them. Three links are left out: to the
ads of a page, which may be empty, to a capability, which is only a part of an endpoint's URL, and
to the first upload for an owner, which the token names.
"""

from typing import Any

Parameters = dict[str, str]


def _links(parameters: Parameters, *targets: str) -> dict[str, Parameters]:
    return dict.fromkeys(targets, parameters)


def _to_upload(upload_id: str) -> dict[str, Parameters]:
    """Return links to the operations on an upload, in their usual order."""
    return _links(
        {"upload_id": upload_id},
        "get_upload",
        "sign_upload_parts",
        "list_upload_parts",
        "complete_upload",
        "confirm_upload",
        "renew_upload",
        "report_failure",
        "cancel_upload",
    )


def _to_ad(ad_id: str) -> dict[str, Parameters]:
    return _links(
        {"ad_id": ad_id},
        "get_ad",
        "put_ad",
        "edit_ad",
        "mark_sold",
        "upload_image",
        "upload_images",
        "list_ad_uploads",
        "open_ad_uppy_session",
        "delete_ad",
    )


def _to_image(ad_id: str, image_id: str) -> dict[str, Parameters]:
    return _links({"ad_id": ad_id, "image_id": image_id}, "edit_image", "delete_image")


_BODY, _PATH = "$response.body#/", "$request.path."
_UPPY_UPLOAD = {
    "capability": f"{_PATH}capability",
    "upload_id": f"{_BODY}uploadId",
    "key": f"{_BODY}key",
}
_EDITS_OF_USER = ("edit_user", "upload_avatar", "open_user_uppy_session")
_IMAGES_OF_AD = _to_image(f"{_BODY}id", f"{_BODY}images/0/id")
_OWNER = {"profile": f"{_PATH}profile", "owner": f"{_PATH}owner"}
_OF_OWNER = _links(
    _OWNER,
    "create_uploads",
    "list_uploads",
    "list_files",
    "open_uppy_session",
    "erase_owner",
)
_TO_ERASURE = _links({"erasure_id": f"{_BODY}id"}, "get_erasure")
LINKS: dict[str, dict[str, Parameters]] = {
    "create_ad": {
        **_to_ad(f"{_BODY}id"),
        **_links({"user_id": f"{_BODY}owner"}, "get_user"),
    },
    "get_ad": _IMAGES_OF_AD,
    "edit_ad": _IMAGES_OF_AD,
    "mark_sold": _IMAGES_OF_AD,
    "upload_image": _to_upload(f"{_BODY}id"),
    "upload_images": _to_upload(f"{_BODY}tickets/0/id"),
    "upload_avatar": _to_upload(f"{_BODY}id"),
    "get_own_user": _links({"user_id": f"{_BODY}id"}, "get_user", *_EDITS_OF_USER),
    "get_user": _links({"user_id": f"{_BODY}id"}, *_EDITS_OF_USER),
    "find_user": _links({"user_id": f"{_BODY}id"}, "get_user", "erase_user"),
    "erase_user": _TO_ERASURE,
    "erase_owner": _TO_ERASURE,
    "renew_upload": _to_upload(f"{_BODY}id"),
    "sign_upload_parts": _links(
        {"upload_id": f"{_PATH}upload_id"}, "list_upload_parts", "complete_upload"
    ),
    "create_upload": {**_to_upload(f"{_BODY}id"), **_OF_OWNER},
    "create_uploads": _to_upload(f"{_BODY}tickets/0/id"),
    "list_files": _links({**_OWNER, "file_id": f"{_BODY}results/0/id"}, "edit_file", "delete_file"),
    "open_uppy_session": _links({"session_id": f"{_BODY}id"}, "revoke_uppy_session"),
    "open_ad_uppy_session": _links({"session_id": f"{_BODY}id"}, "revoke_uppy_session"),
    "open_user_uppy_session": _links({"session_id": f"{_BODY}id"}, "revoke_uppy_session"),
    "create_multipart_upload": _links(
        _UPPY_UPLOAD,
        "get_uploaded_parts",
        "sign_part_upload",
        "batch_sign_parts_upload",
        "complete_multipart_upload",
        "abort_multipart_upload",
    ),
}


def links_of(operation_id: str) -> dict[str, dict[str, Any]]:
    """Return the links of an operation's successful response, by the name of their target."""
    return {
        target: {"operationId": target, "parameters": parameters}
        for target, parameters in LINKS.get(operation_id, {}).items()
    }
