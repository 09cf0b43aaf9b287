"""Views have the marks that rate limits, metrics, the Host check and the body limit read."""

import pytest

from broker.app import create_app
from broker.config import Settings

VIEWS = {
    "issues_tickets": {
        "ad_images.upload_image",
        "ad_images.upload_images",
        "owners.create_upload",
        "owners.create_uploads",
        "users.upload_avatar",
        "uppy.get_upload_parameters",
        "uppy.create_multipart_upload",
    },
    "is_probe": {"health.healthz", "health.readyz", "metrics.metrics"},
    "allows_large_body": {
        "ad_images.upload_images",
        "owners.create_uploads",
        "parts.sign_upload_parts",
        "parts.complete_upload",
        "uppy.complete_multipart_upload",
        "bucket_notifications.receive_bucket_notification",
    },
}


@pytest.mark.parametrize("mark", VIEWS)
def test_the_marked_views_are_those_that_need_the_mark(mark: str) -> None:
    app = create_app(
        Settings(database_url="sqlite://", s3_bucket="media-bucket", jwt_secret="x" * 32)
    )
    marked = {name for name, view in app.view_functions.items() if getattr(view, mark, False)}
    app.extensions["broker"].database.dispose()
    assert marked == VIEWS[mark]
