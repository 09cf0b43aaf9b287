"""Sign a hundred parts in one process, in turn with boto3; run by `rows/parts.py`."""

import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config

from benchmarks import requests
from benchmarks.blocks import Side, in_turn
from benchmarks.plan import PARTS
from benchmarks.reports import write_report
from benchmarks.wsgi_calls import Call
from broker.app import create_app
from broker.domain.put_request import PartRequest, PartsRequest

KEY = "media/ads/ad_1/main_Zt41bQ9c.jpg"


def main(blocks: int) -> None:
    """Report the time of a call in each of this many blocks of each side."""
    app = create_app()
    logging.getLogger("broker").setLevel(logging.WARNING)
    token = os.environ["BENCH_TOKEN"]
    size = PARTS * 8 * 1024 * 1024
    file = requests.declared(size, transport="multipart")
    ticket = Call(app, "/api/ads/1/upload_image/", token, file).json()
    wanted = {"parts": [{"part_number": number} for number in range(1, PARTS + 1)]}
    through_app = Call(app, ticket["upload"]["parts_url"], token, wanted)
    found = through_app.json()["parts"]
    if len(found) != PARTS:
        raise RuntimeError(f"{len(found)} parts were signed, not {PARTS}")
    signer = _signer(app.extensions["broker"].storage.presigner)
    sides = {
        "boto3": Side(_boto3(), 6),
        "through the WSGI app": Side(through_app, 80),
        "by the signer alone": Side(signer, 250),
    }
    write_report(in_turn(sides, blocks))


def _boto3() -> Callable[[], Any]:
    client = boto3.client(
        "s3",
        endpoint_url=os.environ["BROKER_S3_ENDPOINT_URL"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )

    def sign() -> list[str]:
        return [
            client.generate_presigned_url(
                "upload_part",
                Params={
                    "Bucket": os.environ["BROKER_S3_BUCKET"],
                    "Key": KEY,
                    "UploadId": "multipart-upload",
                    "PartNumber": number,
                },
                ExpiresIn=3600,
            )
            for number in range(1, PARTS + 1)
        ]

    return sign


def _signer(presigner: Any) -> Callable[[], Any]:
    def sign() -> list[Any]:
        parts = [
            PartRequest(part_number=number, size=8 * 1024 * 1024, checksum_sha256=None)
            for number in range(1, PARTS + 1)
        ]
        request = PartsRequest(
            object_key=KEY, multipart_id="multipart-upload", parts=parts, expires_in=3600
        )
        signed: list[Any] = presigner.presign_parts(request, datetime.now(UTC))
        return signed

    return sign


if __name__ == "__main__":
    main(int(sys.argv[1]))
