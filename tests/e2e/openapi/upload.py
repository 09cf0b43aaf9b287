"""Uploads a photo through the client that openapi-python-client makes, and prints its URL.

Arguments: the broker's URL, a token, the photo's path, a transport.
"""

import base64
import hashlib
import sys
from pathlib import Path

import httpx
from upload_broker_client import AuthenticatedClient
from upload_broker_client.api.ad_images import upload_image
from upload_broker_client.api.ads import create_ad
from upload_broker_client.api.uploads import confirm_upload
from upload_broker_client.models.ad import Ad
from upload_broker_client.models.form_transfer import FormTransfer
from upload_broker_client.models.image import Image
from upload_broker_client.models.image_file import ImageFile
from upload_broker_client.models.image_file_transport import ImageFileTransport
from upload_broker_client.models.multipart_transfer import MultipartTransfer
from upload_broker_client.models.new_ad import NewAd
from upload_broker_client.models.object_missing_problem import ObjectMissingProblem
from upload_broker_client.models.put_transfer import PutTransfer
from upload_broker_client.models.ticket import Ticket


def send(upload: FormTransfer | PutTransfer | MultipartTransfer, data: bytes) -> httpx.Response:
    """Send the bytes as the ticket says."""
    match upload:
        case FormTransfer():
            form, file = upload.fields.to_dict(), {"file": ("x", data)}
            return httpx.post(upload.url, data=form, files=file)
        case PutTransfer():
            return httpx.put(upload.url, headers=upload.headers.to_dict(), content=data)
        case MultipartTransfer():
            raise ValueError(f"a photo of {upload.part_count} parts")


def main(broker: str, token: str, path: str, transport: str) -> None:
    """Make an ad, get a ticket, send the photo, confirm it."""
    client, data = AuthenticatedClient(broker, token), Path(path).read_bytes()
    ad = create_ad.sync(client=client, body=NewAd(title="A bicycle", price="850.00"))
    assert isinstance(ad, Ad), ad
    file = ImageFile(
        file_name="front view.jpg",
        content_type="image/jpeg",
        size=len(data),
        checksum_sha256=base64.b64encode(hashlib.sha256(data).digest()).decode(),
        transport=ImageFileTransport(transport),
    )
    ticket = upload_image.sync(ad.id, client=client, body=file)
    assert isinstance(ticket, Ticket), ticket
    early = confirm_upload.sync(ticket.id, client=client)
    assert isinstance(early, ObjectMissingProblem), early
    assert early.code == "object_missing"
    send(ticket.upload, data).raise_for_status()
    image = confirm_upload.sync(ticket.id, client=client)
    assert isinstance(image, Image), image
    sys.stdout.write(f"{image.image_url}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
