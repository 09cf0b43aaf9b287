"""A Flask app that proxies: the browser sends the photo to Flask, which forwards it to S3."""

import os
from pathlib import Path
from uuid import uuid4

import boto3
from botocore.config import Config
from flask import Flask, request

from benchmarks.apps.gauge import Gauge

app = Flask(__name__)
BUCKET = os.environ["S3_BUCKET"]
gauge = Gauge(Path(os.environ["GAUGE"]))
client = boto3.client(
    "s3",
    endpoint_url=os.environ["S3_ENDPOINT"],
    config=Config(
        signature_version="s3v4", s3={"addressing_style": "path"}, max_pool_connections=32
    ),
)


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """Answer health checks."""
    return {"status": "ok"}


@app.post("/photos")
def photos() -> tuple[dict[str, str], int]:
    """Receive a photo as a form and forward it to the bucket."""
    with gauge.counted():
        key = f"media/ads/ad_1/main_{uuid4().hex}.jpg"
        file = request.files["file"]
        client.upload_fileobj(file.stream, BUCKET, key, ExtraArgs={"ContentType": "image/jpeg"})
        return {"key": key}, 201
