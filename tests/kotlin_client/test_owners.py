"""The Kotlin client uploads for users and for owners of other profiles."""

from pathlib import Path

import pytest

from tests.http.client import JPEG, token
from tests.http.files.private_files import ALL, PDF
from tests.kotlin_client.conftest import OpenShop
from tests.servers.fixtures import Bucket
from tests.servers.private_key import private_key

pytestmark = pytest.mark.matrix(part="kotlin")

PROFILES = """
[invoice]
prefix = "invoices/order_{owner}/"
content_types = ["application/pdf"]
visibility = "private"
"""


def test_an_avatar_is_set_for_its_user(open_shop: OpenShop) -> None:
    shop = open_shop()
    done = shop.run("upload", shop.file(JPEG), owner="avatar/1", altText="not sent")
    avatar = shop.live.user.get("/api/users/1/").get_json()["avatar_url"]
    assert avatar == done.result["image_url"]


def test_a_document_of_a_private_profile_needs_a_token_for_its_owner(
    s3_bucket: Bucket, open_shop: OpenShop, tmp_path: Path
) -> None:
    file = tmp_path / "profiles.toml"
    file.write_text(PROFILES)
    shop = open_shop(profiles_file=file, **private_key(s3_bucket))
    grant = {"type": "upload", "profile": "invoice", "owner": "7", "actions": ALL}
    tokens = [token(authorization_details=[grant])]
    pdf = shop.file(PDF, "bill.pdf")
    done = shop.run("upload", pdf, owner="invoice/7", tokens=tokens)
    assert done.result["image"].startswith("invoices/order_7/")
    assert done.result["image_url"] is None
    assert set(done.values("token")) == {"invoice/7"}
    refused = shop.run("upload", pdf, owner="invoice/8", tokens=tokens)
    assert (refused.error["name"], refused.error["code"]) == ("Forbidden", "forbidden")
