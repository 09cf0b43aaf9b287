"""Examples for Uppy's routes, by the name of their schema in `schemas/uppy.py`."""

from typing import Any

from schemas.examples.values import (
    BUCKET,
    CREATED,
    FORM,
    KEY,
    MEDIA,
    SESSION_ID,
    SIGNATURE,
    UPLOAD_ID,
)

UPPY: dict[str, dict[str, Any]] = {
    "SessionLimits": {
        "all": {},
        "one_photo": {"ttl": 3600, "max_files": 1, "max_bytes": 10485760},
    },
    "Session": {
        "session": {
            "id": SESSION_ID,
            "endpoint": "https://broker.example.com/api/uppy/01998f301b22.q3Ya/",
            "expires_at": "2026-10-01T10:00:00Z",
            "server_time": CREATED,
            "max_files": 20,
            "max_bytes": 209715200,
        }
    },
    "FormParameters": {"form": {**FORM, "expires": 300}},
    "MultipartFile": {
        "file": {
            "filename": "Front view.jpg",
            "type": "image/jpeg",
            "metadata": {"alt_text": "front view", "order": 1},
        }
    },
    "MultipartCreated": {"created": {"key": f"incoming/{KEY}", "uploadId": UPLOAD_ID}},
    "PartUrl": {
        "part": {"url": f"{BUCKET}/incoming/{KEY}?partNumber=1&{SIGNATURE}", "expires": 3600},
    },
    "PartUrls": {
        "parts": {"presignedUrls": {"1": f"{BUCKET}/incoming/{KEY}?partNumber=1&{SIGNATURE}"}},
    },
    "ListedPart": {
        "parts": {"PartNumber": 1, "Size": 8388608, "ETag": '"d41d8cd98f00b204e9800998ecf8427e"'},
    },
    "NamedParts": {
        "parts": {"parts": [{"PartNumber": 1, "ETag": '"d41d8cd98f00b204e9800998ecf8427e"'}]},
    },
    "Completed": {"completed": {"location": f"{MEDIA}/{KEY}", "key": f"incoming/{KEY}"}},
    "KeyBody": {"key": {"key": f"incoming/{KEY}"}},
    "Nothing": {"nothing": {}},
}
