"""Examples for the OpenAPI document, by the name of their schema. A test validates them."""

from typing import Any

from schemas.examples.api import API
from schemas.examples.backend import BACKEND
from schemas.examples.uppy import UPPY
from schemas.examples.values import ERASURE_ID, KEY, SESSION_ID, UPLOAD_ID

# Only required parameters: Swagger UI would send the example of an optional one.
PARAMETERS: dict[str, Any] = {
    "ad_id": 1,
    "image_id": 1,
    "file_id": 1,
    "user_id": 1,
    "profile": "ad_image",
    "owner": "1",
    "subject": "01998f30-1b22-7c3d-8e4f-5a6b7c8d9e0f",
    "erasure_id": ERASURE_ID,
    "upload_id": UPLOAD_ID,
    "session_id": SESSION_ID,
    "capability": "01998f301b227c3d8e4f5a6b7c8d9e0f.q3YaGm2rXh0",
    "ids": UPLOAD_ID,
    "filename": "Front view.jpg",
    "type": "image/jpeg",
    "key": f"incoming/{KEY}",
    "part_number": 1,
    "partNumbers": "1,2",
}
EXAMPLES = API | BACKEND | {f"Uppy{name}": examples for name, examples in UPPY.items()}
