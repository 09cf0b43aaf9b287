"""The OpenAPI 3.1 document at `/openapi.json`. The page that shows it is in `pages.reader`."""

import functools
import json
from typing import Any

import marshmallow as ma
from apispec.core import Components
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls
from flask import Blueprint, Flask, Response
from flask_smorest import Api

from broker.api.auth import capabilities
from broker.api.openapi.operations import (
    HEADERS,
    Operations,
    component,
    example,
    problem_schema,
    schema_name,
)
from broker.api.problems.table import PROBLEMS
from broker.api.request import ids
from broker.api.routes import (
    ad_images,
    ads,
    bucket_notifications,
    erasures,
    events,
    owner_files,
    owners,
    parts,
    profiles,
    uploads,
    uppy,
    uppy_sessions,
    users,
)
from schemas.problems import Problem
from schemas.profiles import Profile
from schemas.tickets import TRANSFERS, Transfer

INFO = {
    "description": (
        "Issues presigned uploads for the photos of a marketplace. Records the images when they "
        "are confirmed. Request a ticket, send the file to the bucket with it, then confirm. "
        "Errors are RFC 9457 problems. Programs should check `code`; "
        "[all codes are explained](/docs/errors)."
    ),
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": (
            "A token that the marketplace issued. It contains the user, `exp` and, in "
            "`authorization_details`, the user's grants for owners."
        ),
    },
    "bucket": {
        "type": "http",
        "scheme": "bearer",
        "description": "`BROKER_BUCKET_NOTIFICATIONS_SECRET`, which the bucket sends.",
    },
}


RESOURCES = (
    ads,
    ad_images,
    users,
    owners,
    owner_files,
    uploads,
    parts,
    erasures,
    profiles,
    uppy_sessions,
    uppy,
    events,
    bucket_notifications,
)
blueprint = Blueprint("openapi", __name__)


class BrokerApi(Api):
    """flask-smorest's Api with problem+json errors."""

    ERROR_SCHEMA = Problem


@blueprint.get("/openapi.json")
def openapi_json() -> Response:
    """Return the document."""
    return Response(document(), mimetype="application/json")


def init_app(app: Flask) -> None:
    """Register the resources and the document. It is built at the first request for it."""
    capabilities.init_app(app)
    ids.init_app(app)
    for module in RESOURCES:
        app.register_blueprint(module.blueprint)
    app.register_blueprint(blueprint)


@functools.cache
def document() -> bytes:
    """Return the document. It is the same for every app, and is built once per process.

    flask-smorest would build it for each app, which takes most of the start-up time, and would
    serialize half a megabyte for each request.
    """
    app = Flask(__name__, static_folder=None)
    capabilities.init_app(app)
    ids.init_app(app)
    app.config["API_TITLE"] = "Upload broker"
    app.config["API_VERSION"] = "1"
    app.config["OPENAPI_VERSION"] = "3.1.0"
    app.config["API_SPEC_OPTIONS"] = {
        "info": INFO,
        "servers": [{"url": "/", "description": "The broker that serves this document."}],
        "components": {"securitySchemes": SECURITY_SCHEMES},
    }
    schemas = MarshmallowPlugin(schema_name_resolver=_schema_name)
    plugins = {"marshmallow_plugin": schemas, "extra_plugins": [Operations()]}
    api = BrokerApi(app, spec_kwargs=plugins)
    _register_components(api.spec.components, schemas)
    _register_problems(api.spec.components)
    for module in RESOURCES:
        api.register_blueprint(module.blueprint)
    # From flask-smorest. Its pagination is not used.
    del api.spec.components.schemas["PaginationMetadataSchema"]
    # The names of profiles are the operator's.
    converter: Any = schemas.converter
    profile = converter.resolve_nested_schema(Profile)
    api.spec.components.schemas["Profiles"] = {"type": "object", "additionalProperties": profile}
    return json.dumps(api.spec.to_dict(), indent=2).encode()


def _schema_name(schema: type[ma.Schema] | ma.Schema | str) -> str:
    """Return a schema's name: its class name, with the prefix `Uppy` for `schemas.uppy`."""
    found = resolve_schema_cls(schema)
    assert isinstance(found, type)  # noqa: S101 - a list would mean duplicate names
    prefix = "Uppy" if found.__module__ == "schemas.uppy" else ""
    return prefix + found.__name__


def _register_components(components: Components, schemas: MarshmallowPlugin) -> None:
    """Register the headers, and the alternatives of a ticket's `upload`."""
    for name, description in HEADERS.items():
        schema = {"type": "integer" if name == "Retry-After" else "string"}
        header = {"description": description, "schema": schema}
        components.header(component(name), header, lazy=True)
    converter: Any = schemas.converter  # partly untyped
    # openapi-typescript treats a field with a default as required, even in requests.
    converter.attribute_functions.remove(converter.field2default)
    converter.add_attribute_function(_field_to_property)
    refs = {method: converter.resolve_nested_schema(schema) for method, schema in TRANSFERS.items()}
    mapping = {method: ref["$ref"] for method, ref in refs.items()}
    one_of = {
        "oneOf": list(refs.values()),
        "discriminator": {"propertyName": "method", "mapping": mapping},
        "description": "Where and how to send the file. `method` says which schema applies.",
    }
    components.schema("Transfer", one_of)


def _register_problems(components: Components) -> None:
    """Register a schema and an example for each code, and the common schema of `errors`."""
    components.schema("FieldErrors", {"type": "object", "description": "Messages by field."})
    base = components.schemas["Problem"]
    base["properties"]["errors"] = {"$ref": "#/components/schemas/FieldErrors"}
    for code in PROBLEMS:
        components.schema(schema_name(code), problem_schema(base, code), lazy=True)
        components.example(code, {"value": example(code)})


def _field_to_property(
    _converter: Any, field: ma.fields.Field[Any], **_kwargs: Any
) -> dict[str, Any]:
    """Describe what apispec does not support: `Transfer`, `const`, and defaults as text."""
    if isinstance(field, Transfer):
        return {"$ref": "#/components/schemas/Transfer"}
    found = {"const": field.metadata["const"]} if "const" in field.metadata else {}
    if field.load_default is not ma.missing and not callable(field.load_default):
        texts = [field.metadata.get("description"), f"Default: {json.dumps(field.load_default)}."]
        found["description"] = " ".join(filter(None, texts))
    return found
