"""Examples for the resources of the API, by the name of their schema."""

from typing import Any

from schemas.examples.values import (
    AVATAR_KEY,
    BUCKET,
    CREATED,
    DOCUMENT_KEY,
    EXPIRES,
    FORM,
    KEY,
    MEDIA,
    MULTIPART,
    PLAIN_FORM,
    PUT,
    SHA256,
    SIGNATURE,
    UPLOAD_ID,
)

_RENDITION = {
    "width": 4032,
    "height": 3024,
    "thumbhash": "1QcSHQRnh493V4dIh4eXh1h4kJUI",
    "variants": [
        {
            "width": width,
            "height": width * 3 // 4,
            "content_type": "image/webp",
            "url": f"{MEDIA}/{KEY.removesuffix('.jpg')}_w{width}.webp",
        }
        for width in (320, 800, 1600)
    ],
}
IMAGE = {
    "id": 1,
    "image": KEY,
    "image_url": f"{MEDIA}/{KEY}",
    "alt_text": "front view",
    "order": 1,
    **_RENDITION,
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
    "images": [IMAGE],
    "created_at": CREATED,
    "updated_at": CREATED,
}
_STORED_FILE = {
    "id": 1,
    "key": KEY,
    "url": f"{MEDIA}/{KEY}",
    "url_expires_at": None,
    "file_name": "Front view.jpg",
    "content_type": "image/jpeg",
    "size": 2397184,
    "checksum_sha256": SHA256,
    "alt_text": "front view",
    "order": 1,
    **_RENDITION,
    "created_at": CREATED,
}
_DOCUMENT = {
    **_STORED_FILE,
    "id": 2,
    "key": DOCUMENT_KEY,
    "url": f"{BUCKET}/private/{DOCUMENT_KEY}?{SIGNATURE}",
    "url_expires_at": EXPIRES,
    "file_name": "Rechnung 7.pdf",
    "content_type": "application/pdf",
    "size": 48211,
    "alt_text": "",
    "order": 0,
    "width": None,
    "height": None,
    "thumbhash": None,
    "variants": [],
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


def _upload(state: str) -> dict[str, Any]:
    return {
        "id": UPLOAD_ID,
        "state": state,
        "purpose": "ad_image",
        "owner": 1,
        "key": KEY,
        "file_name": "main.jpg",
        "content_type": "image/jpeg",
        "size": 2483112,
        "checksum_sha256": SHA256,
        "checksum_verified": None,
        "composite_checksum_sha256": None,
        "reason": None,
        "image": None,
        "transport": "post",
        "created_at": CREATED,
        "expires_at": EXPIRES,
        "server_time": CREATED,
        "confirm_url": f"/api/uploads/{UPLOAD_ID}/confirm/",
    }


def _profile(prefix: str, max_bytes: int, max_count: int) -> dict[str, Any]:
    return {
        "prefix": prefix,
        "owners": "table",
        "users_create_owners": prefix.startswith("ads/"),
        "visibility": "public",
        "content_types": ["image/jpeg", "image/png", "image/webp"],
        "max_bytes": max_bytes,
        "max_count": max_count,
        "keeps_one": max_count == 1,
        "ticket_ttl": 300,
        "put_ttl": 3600,
        "multipart_ttl": 72000,
        "cache_control": "public, max-age=86400",
        "checksum_required": True,
        "transports": ["post", "put", "multipart"],
        "default_transport": "post",
        "multipart_threshold": 16777216,
        "part_size": 8388608,
        "inspection": "required",
        "max_pixels": 100000000,
        "max_frames": 300,
        "variant_widths": [320, 800, 1600],
    }


API: dict[str, dict[str, Any]] = {
    "Ad": {"ad": _AD},
    "NewAd": {
        "ad": {
            "title": "A red bicycle",
            "description": "Ridden for two summers.",
            "price": "850.00",
            "is_active": True,
        }
    },
    "WholeAd": {
        "ad": {
            "owner": "1",
            "title": "A red bicycle",
            "description": "Ridden for two summers.",
            "price": "850.00",
            "is_active": True,
            "is_sold": False,
        }
    },
    "AdChanges": {"price": {"price": "790.00"}},
    "AdPage": {"page": {"results": [_AD], "next_cursor": "MQ"}},
    "Image": {"image": IMAGE},
    "File": {"public": _STORED_FILE, "private": _DOCUMENT},
    "FilePage": {
        "public": {"results": [_STORED_FILE], "next_cursor": None},
        "private": {"results": [_DOCUMENT], "next_cursor": None},
    },
    "ImageChanges": {"alt_text": {"alt_text": "side view", "order": 2}},
    "ImageFile": {
        "form": _IMAGE_FILE,
        "put": {**_IMAGE_FILE, "transport": "put"},
        "multipart": {**_IMAGE_FILE, "size": 24117248, "transport": "multipart"},
        "plain_form": {**_PLAIN_FILE, "alt_text": "front view"},
    },
    "ImageFiles": {"files": {"files": [_IMAGE_FILE]}},
    "OwnerFile": {
        "form": _IMAGE_FILE,
        "multipart": {**_IMAGE_FILE, "size": 24117248, "transport": "multipart"},
        "document": {**_FILE, "file_name": "Rechnung.pdf", "content_type": "application/pdf"},
    },
    "OwnerFiles": {"files": {"files": [_IMAGE_FILE]}},
    "AvatarFile": {"form": _FILE, "plain_form": _PLAIN_FILE},
    "Ticket": {
        "form": _ticket(FORM),
        "put": _ticket(PUT),
        "multipart": _ticket(MULTIPART),
        "plain_form": _ticket(PLAIN_FORM),
    },
    "TicketBatch": {"tickets": {"tickets": [_ticket(FORM)]}},
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
            "avatar_image": {"width": 512, "height": 512, "thumbhash": None, "variants": []},
        }
    },
    "UserChanges": {"name": {"first_name": "Jane"}, "no_avatar": {"avatar": None}},
    "Upload": {
        "pending": _upload("pending"),
        "processing": _upload("processing"),
        "confirmed": {**_upload("confirmed"), "checksum_verified": True, "image": IMAGE},
        "rejected": {**_upload("rejected"), "reason": "not_an_image"},
    },
    "UploadList": {"uploads": {"uploads": [_upload("processing")]}},
    "UploadPage": {"page": {"results": [_upload("processing")], "next_cursor": None}},
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
        "profiles": {
            "ad_image": _profile("ads/ad_", 10485760, 20),
            "avatar": _profile("avatars/user_", 5242880, 1),
        },
    },
}
