"""A Flask app that proxies: the browser sends photos to Flask, which forwards them to S3."""

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
def photos() -> tuple[dict[str, list[str]], int]:
    """Receive photos as a form and forward them to the bucket."""
    with gauge.counted():
        keys = []
        for file in request.files.getlist("file"):
            keys.append(f"media/ads/ad_1/main_{uuid4().hex}.jpg")
            extra = {"ContentType": "image/jpeg"}
            client.upload_fileobj(file.stream, BUCKET, keys[-1], ExtraArgs=extra)
        return {"keys": keys}, 201
