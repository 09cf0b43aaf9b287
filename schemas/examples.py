"""Examples for the OpenAPI document, by the name of their schema. A test validates them."""

from typing import Any

UPLOAD_ID = "01998f2e-7c1a-7d6b-9f40-3a1c5e8b7d21"
SESSION_ID = "01998f30-1b22-7c3d-8e4f-5a6b7c8d9e0f"
SHA256 = "kHcjUsfbyaBFgh3vCGVHlGM5a2bDqYCEZNC8yLBkP1w="
BUCKET = "https://media-bucket.s3.eu-central-1.amazonaws.com"
MEDIA = "https://media.example.com/media"
KEY = "ads/ad_1/front-view_Zt41bQ9cXw.jpg"
AVATAR_KEY = "avatars/user_1/profile_x7Kp2mQaLd.jpg"
CREATED, EXPIRES = "2026-10-01T09:00:00Z", "2026-10-01T09:05:00Z"
SIGNATURE = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=5f3c1e"

_IMAGE = {
    "id": 1,
    "image": KEY,
    "image_url": f"{MEDIA}/{KEY}",
    "alt_text": "front view",
    "order": 1,
    "created_at": CREATED,
}
_AD = {
    "id": 1,
    "title": "A red bicycle",
    "description": "Ridden for two summers.",
    "price": "850.00",
    "is_active": True,
    "is_sold": False,
    "owner": 1,
    "owner_info": {"id": 1, "subject": None, "email": None, "name": "John Doe"},
    "main_image_url": f"{MEDIA}/{KEY}",
    "images": [_IMAGE],
    "created_at": CREATED,
    "updated_at": CREATED,
}
_FILE = {
    "file_name": "Front view.jpg",
    "content_type": "image/jpeg",
    "size": 2483112,
    "checksum_sha256": SHA256,
}
_IMAGE_FILE = {**_FILE, "alt_text": "front view", "order": 1}
_PLAIN_FILE = {
    "file_name": "photo.jpg",
    "content_type": "image/jpeg",
    "return_url": "https://shop.example/ads/1/photos/sent/",
}
_SIGNED = {
    "x-amz-algorithm": "AWS4-HMAC-SHA256",
    "x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20261001/eu-central-1/s3/aws4_request",
    "x-amz-date": "20261001T090000Z",
    "policy": "eyJleHBpcmF0aW9uIjoi…",
    "x-amz-signature": "5f3c1e…",
}
_FORM = {
    "method": "POST",
    "url": BUCKET,
    "fields": {
        "key": f"incoming/{KEY}",
        "Content-Type": "image/jpeg",
        "Cache-Control": "public, max-age=86400",
        "x-amz-checksum-algorithm": "SHA256",
        "x-amz-checksum-sha256": SHA256,
        "x-amz-meta-upload-id": UPLOAD_ID,
        "success_action_status": "201",
        **_SIGNED,
    },
}
_PLAIN_FORM = {
    **_FORM,
    "fields": {
        "key": f"incoming/{KEY}",
        "Content-Type": "image/jpeg",
        "Cache-Control": "public, max-age=86400",
        "x-amz-meta-upload-id": UPLOAD_ID,
        "success_action_redirect": "https://shop.example/ads/1/photos/sent/",
        **_SIGNED,
    },
}
_PUT = {
    "method": "PUT",
    "url": f"{BUCKET}/incoming/{KEY}?{SIGNATURE}",
    "headers": {"Content-Type": "image/jpeg", "If-None-Match": "*"},
}
_MULTIPART = {
    "method": "MULTIPART",
    "part_size": 8388608,
    "part_count": 3,
    "parts_url": f"/api/uploads/{UPLOAD_ID}/parts/",
    "complete_url": f"/api/uploads/{UPLOAD_ID}/complete/",
}


def _ticket(upload: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": UPLOAD_ID,
        "state": "pending",
        "key": KEY,
        "expires_at": EXPIRES,
        "server_time": CREATED,
        "upload": upload,
        "confirm_url": f"/api/uploads/{UPLOAD_ID}/confirm/",
    }


def _profile(max_bytes: int, max_count: int) -> dict[str, Any]:
    return {
        "content_types": ["image/jpeg", "image/png", "image/webp"],
        "max_bytes": max_bytes,
        "max_count": max_count,
        "ticket_ttl": 300,
        "checksum_required": True,
        "transports": ["post", "put", "multipart"],
        "default_transport": "post",
        "multipart_threshold": 16777216,
        "part_size": 8388608,
    }


_API: dict[str, dict[str, Any]] = {
    "Ad": {"ad": _AD},
    "NewAd": {
        "ad": {
            "title": "A red bicycle",
            "description": "Ridden for two summers.",
            "price": "850.00",
            "is_active": True,
        }
    },
    "AdChanges": {"price": {"price": "790.00"}},
    "AdPage": {"page": {"results": [_AD], "next_cursor": "MQ"}},
    "Image": {"image": _IMAGE},
    "ImageChanges": {"alt_text": {"alt_text": "side view", "order": 2}},
    "ImageFile": {
        "form": _IMAGE_FILE,
        "put": {**_IMAGE_FILE, "transport": "put"},
        "multipart": {**_IMAGE_FILE, "size": 24117248, "transport": "multipart"},
        "plain_form": {**_PLAIN_FILE, "alt_text": "front view"},
    },
    "ImageFiles": {"files": {"files": [_IMAGE_FILE]}},
    "AvatarFile": {"form": _FILE, "plain_form": _PLAIN_FILE},
    "Ticket": {
        "form": _ticket(_FORM),
        "put": _ticket(_PUT),
        "multipart": _ticket(_MULTIPART),
        "plain_form": _ticket(_PLAIN_FORM),
    },
    "TicketBatch": {"tickets": {"tickets": [_ticket(_FORM)]}},
    "User": {
        "own": {
            "id": 1,
            "subject": "1",
            "email": "user@example.com",
            "first_name": "John",
            "last_name": "Doe",
            "name": "John Doe",
            "avatar": AVATAR_KEY,
            "avatar_url": f"{MEDIA}/{AVATAR_KEY}",
        }
    },
    "UserChanges": {"name": {"first_name": "Jane"}, "no_avatar": {"avatar": None}},
    "Upload": {
        "pending": {
            "id": UPLOAD_ID,
            "state": "pending",
            "purpose": "ad_image",
            "owner": 1,
            "key": KEY,
            "content_type": "image/jpeg",
            "size": 2483112,
            "checksum_sha256": SHA256,
            "checksum_verified": None,
            "composite_checksum_sha256": None,
            "transport": "post",
            "created_at": CREATED,
            "expires_at": EXPIRES,
            "server_time": CREATED,
            "confirm_url": f"/api/uploads/{UPLOAD_ID}/confirm/",
        }
    },
    "Failure": {"wrong_bytes": {"code": "BadDigest", "message": "Content does not match."}},
    "Advice": {"retry": {"action": "retry"}},
    "WantedParts": {"parts": {"parts": [{"part_number": 1}, {"part_number": 2}]}},
    "SignedParts": {
        "parts": {
            "parts": [
                {
                    "part_number": 1,
                    "method": "PUT",
                    "url": f"{BUCKET}/incoming/{KEY}?partNumber=1&uploadId=2aX&{SIGNATURE}",
                    "headers": {},
                    "size": 8388608,
                }
            ],
            "expires_at": "2026-10-01T10:00:00Z",
            "server_time": CREATED,
        }
    },
    "Progress": {
        "one_missing": {
            "id": UPLOAD_ID,
            "size": 24117248,
            "part_size": 8388608,
            "part_count": 3,
            "parts": [
                {"part_number": 1, "size": 8388608, "etag": "d41d8cd98f00b204e9800998ecf8427e"},
                {"part_number": 2, "size": 8388608, "etag": "9b2cf535f27731c974343645a3985328"},
            ],
            "missing": [3],
            "complete_url": f"/api/uploads/{UPLOAD_ID}/complete/",
            "expires_at": "2026-10-02T05:00:00Z",
            "server_time": CREATED,
        }
    },
    "Profiles": {
        "profiles": {"ad_image": _profile(10485760, 20), "avatar": _profile(5242880, 1)},
    },
    "Notification": {
        "s3": {
            "Records": [
                {
                    "eventName": "ObjectCreated:Post",
                    "s3": {
                        "bucket": {"name": "media-bucket"},
                        "object": {"key": f"incoming/{KEY}"},
                    },
                }
            ]
        }
    },
    "Handled": {"confirmed": {"outcomes": {"confirmed": 1}}},
}
_UPPY: dict[str, dict[str, Any]] = {
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
    "FormParameters": {"form": {**_FORM, "expires": 300}},
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
# Only required parameters: Swagger UI would send the example of an optional one.
PARAMETERS: dict[str, Any] = {
    "ad_id": 1,
    "image_id": 1,
    "user_id": 1,
    "upload_id": UPLOAD_ID,
    "session_id": SESSION_ID,
    "capability": "01998f301b227c3d8e4f5a6b7c8d9e0f.q3YaGm2rXh0",
    "filename": "Front view.jpg",
    "type": "image/jpeg",
    "key": f"incoming/{KEY}",
    "part_number": 1,
    "partNumbers": "1,2",
}
EXAMPLES = _API | {f"Uppy{name}": examples for name, examples in _UPPY.items()}
