"""The OpenAPI document is one that others' tools accept."""

from openapi_spec_validator import validate

from broker.app import create_app
from broker.config import Settings


def test_the_document_is_valid_openapi_31() -> None:
    app = create_app(
        Settings(database_url="sqlite://", s3_bucket="media-bucket", jwt_secret="x" * 32)
    )
    document = app.test_client().get("/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    validate(document)
    assert "/api/ads/{ad_id}/upload_image/" in document["paths"]
    for path in ("/docs/", "/docs/swagger-ui-bundle.js"):
        with app.test_client().get(path) as answer:
            assert answer.status_code == 200


def test_whatever_answers_201_takes_an_idempotency_key() -> None:
    app = create_app(
        Settings(database_url="sqlite://", s3_bucket="media-bucket", jwt_secret="x" * 32)
    )
    paths = app.test_client().get("/openapi.json").get_json()["paths"]
    creations = {
        path: [parameter["name"] for parameter in item["post"].get("parameters", [])]
        for path, item in paths.items()
        if "201" in item.get("post", {}).get("responses", {})
    }
    assert len(creations) == 6
    for path, parameters in creations.items():
        assert "Idempotency-Key" in parameters, path
