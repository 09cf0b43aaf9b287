"""A bare Flask app that presigns with boto3, without tokens, owners or rows."""

import json
import os
from typing import Any
from uuid import uuid4

import boto3
from botocore.config import Config
from flask import Flask

from benchmarks.plan import PARTS

app = Flask(__name__)
BUCKET = os.environ["S3_BUCKET"]
client = boto3.client(
    "s3",
    endpoint_url=os.environ["S3_ENDPOINT"],
    config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
)


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """Answer health checks."""
    return {"status": "ok"}


@app.get("/form")
def form() -> Any:
    """Sign one POST policy with the conditions of a ticket."""
    fields = {
        "Content-Type": "image/jpeg",
        "Cache-Control": "public, max-age=86400",
        "success_action_status": "201",
    }
    conditions = [{name: value} for name, value in fields.items()]
    return client.generate_presigned_post(
        BUCKET,
        f"media/ads/ad_1/main_{uuid4().hex[:8]}.jpg",
        Fields=fields,
        Conditions=[*conditions, ["content-length-range", 1, 67_108_864]],
        ExpiresIn=300,
    )


@app.post("/parts")
def parts() -> Any:
    """Sign a hundred parts."""
    return app.response_class(
        json.dumps(
            [
                client.generate_presigned_url(
                    "upload_part",
                    Params={
                        "Bucket": BUCKET,
                        "Key": "media/ads/ad_1/main.jpg",
                        "UploadId": "multipart-upload",
                        "PartNumber": number,
                    },
                    ExpiresIn=3600,
                )
                for number in range(1, PARTS + 1)
            ]
        ),
        mimetype="application/json",
    )
