"""The values that several examples share, and the requests that send a file."""

UPLOAD_ID = "01998f2e-7c1a-7d6b-9f40-3a1c5e8b7d21"
ERASURE_ID = "01998f31-77aa-7b21-9c0d-1e2f3a4b5c6d"
SESSION_ID = "01998f30-1b22-7c3d-8e4f-5a6b7c8d9e0f"
SHA256 = "kHcjUsfbyaBFgh3vCGVHlGM5a2bDqYCEZNC8yLBkP1w="
BUCKET = "https://media-bucket.s3.eu-central-1.amazonaws.com"
MEDIA = "https://media.example.com/media"
KEY = "ads/ad_1/front-view_Zt41bQ9cXw.jpg"
DOCUMENT_KEY = "invoices/order_7/rechnung-7_b4Tz81QpLm.pdf"
AVATAR_KEY = "avatars/user_1/profile_x7Kp2mQaLd.jpg"
CREATED, EXPIRES = "2026-10-01T09:00:00Z", "2026-10-01T09:05:00Z"
SIGNATURE = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=5f3c1e"

SIGNED = {
    "x-amz-algorithm": "AWS4-HMAC-SHA256",
    "x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20261001/eu-central-1/s3/aws4_request",
    "x-amz-date": "20261001T090000Z",
    "policy": "eyJleHBpcmF0aW9uIjoi…",
    "x-amz-signature": "5f3c1e…",
}
FORM = {
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
        **SIGNED,
    },
}
PLAIN_FORM = {
    **FORM,
    "fields": {
        "key": f"incoming/{KEY}",
        "Content-Type": "image/jpeg",
        "Cache-Control": "public, max-age=86400",
        "x-amz-meta-upload-id": UPLOAD_ID,
        "success_action_redirect": "https://shop.example/ads/1/photos/sent/",
        **SIGNED,
    },
}
PUT = {
    "method": "PUT",
    "url": f"{BUCKET}/incoming/{KEY}?{SIGNATURE}",
    "headers": {"Content-Type": "image/jpeg", "If-None-Match": "*"},
}
MULTIPART = {
    "method": "MULTIPART",
    "part_size": 8388608,
    "part_count": 3,
    "parts_url": f"/api/uploads/{UPLOAD_ID}/parts/",
    "complete_url": f"/api/uploads/{UPLOAD_ID}/complete/",
}
