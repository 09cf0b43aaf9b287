"""OpenAPI 3.1 at `/openapi.json`; its reader is `reader`'s."""

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
    parts,
    profiles,
    uploads,
    uppy,
    uppy_sessions,
    users,
)
from schemas.problems import Problem
from schemas.tickets import TRANSFERS, Transfer

INFO = {
    "description": (
        "Issues presigned uploads for a marketplace's photos and records the images once they "
        "are confirmed. Ask for a ticket, send the bytes to the bucket as it says, confirm. "
        "Errors are RFC 9457 problems: decide by `code`; [each is explained](/docs/errors)."
    ),
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of the marketplace's.",
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
    uploads,
    parts,
    profiles,
    uppy_sessions,
    uppy,
    bucket_notifications,
)
blueprint = Blueprint("openapi", __name__)


class BrokerApi(Api):
    """flask-smorest's Api, which describes errors as problem+json."""

    ERROR_SCHEMA = Problem


@blueprint.get("/openapi.json")
def openapi_json() -> Response:
    """Give the document."""
    return Response(document(), mimetype="application/json")


def init_app(app: Flask) -> None:
    """Register the resources and the document; making that waits until somebody asks for it."""
    capabilities.init_app(app)
    ids.init_app(app)
    for module in RESOURCES:
        app.register_blueprint(module.blueprint)
    app.register_blueprint(bucket_notifications.old_blueprint)
    app.register_blueprint(blueprint)


@functools.cache
def document() -> bytes:
    """Give the document, the same for every app: made once a process, of an app that serves none.

    flask-smorest would make it with each app, which is most of what starting one costs, and
    write its half megabyte anew for each who asks.
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
    # flask-smorest's own; no list here is paged by it.
    del api.spec.components.schemas["PaginationMetadataSchema"]
    return json.dumps(api.spec.to_dict(), indent=2).encode()


def _schema_name(schema: type[ma.Schema] | ma.Schema | str) -> str:
    """Name a schema by its class; Uppy's, whose words are its own, begin with its name."""
    found = resolve_schema_cls(schema)
    assert isinstance(found, type)  # noqa: S101 - a list is of a name that several classes have
    prefix = "Uppy" if found.__module__ == "schemas.uppy" else ""
    return prefix + found.__name__


def _register_components(components: Components, schemas: MarshmallowPlugin) -> None:
    """Register headers, and what a ticket's `upload` is one of."""
    for name, description in HEADERS.items():
        schema = {"type": "integer" if name == "Retry-After" else "string"}
        header = {"description": description, "schema": schema}
        components.header(component(name), header, lazy=True)
    converter: Any = schemas.converter  # in part without types
    # openapi-typescript takes what has a default for what is always there, in requests too.
    converter.attribute_functions.remove(converter.field2default)
    converter.add_attribute_function(_field_to_property)
    refs = {method: converter.resolve_nested_schema(schema) for method, schema in TRANSFERS.items()}
    mapping = {method: ref["$ref"] for method, ref in refs.items()}
    one_of = {
        "oneOf": list(refs.values()),
        "discriminator": {"propertyName": "method", "mapping": mapping},
        "description": "Where and how to send the bytes, as `method` tells.",
    }
    components.schema("Transfer", one_of)


def _register_problems(components: Components) -> None:
    """Register a schema and an example for each code, and what their `errors` have in common."""
    components.schema("FieldErrors", {"type": "object", "description": "What is wrong, by field."})
    base = components.schemas["Problem"]
    base["properties"]["errors"] = {"$ref": "#/components/schemas/FieldErrors"}
    for code in PROBLEMS:
        components.schema(schema_name(code), problem_schema(base, code), lazy=True)
        components.example(code, {"value": example(code)})


def _field_to_property(
    _converter: Any, field: ma.fields.Field[Any], **_kwargs: Any
) -> dict[str, Any]:
    """Describe what apispec does not know: a ticket's `upload`, `const`, and defaults in words."""
    if isinstance(field, Transfer):
        return {"$ref": "#/components/schemas/Transfer"}
    found = {"const": field.metadata["const"]} if "const" in field.metadata else {}
    if field.load_default is not ma.missing and not callable(field.load_default):
        told = [field.metadata.get("description"), f"Default: {json.dumps(field.load_default)}."]
        found["description"] = " ".join(filter(None, told))
    return found
