"""docs/protocol.md and the API that it describes, as its tests read them."""

import re
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from marshmallow import Schema, fields

from broker.app import create_app
from broker.config import Settings
from broker.domain.limits import Limits
from schemas import images, parts, problems, profiles, tickets, uploads

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/protocol.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROSE = BLOCK.sub("", PAGE)
# An id in a path, as the text, Swift and Kotlin write it: `{id}`, `\(id)`, `${id}`, `$id`.
PLACEHOLDER = re.compile(
    r"\\\([^()]*(?:\([^()]*\)[^()]*)?\)|\$\{[^}]*\}|\$\w+|\{\w+\}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-\w{12}"
)
MODULES: tuple[ModuleType, ...] = (images, parts, problems, profiles, tickets, uploads)


def shape(path: str) -> str:
    """Return a path without its query and without its values."""
    return PLACEHOLDER.sub("{}", path.partition("?")[0])


@cache
def paths_of_the_api() -> dict[str, set[str]]:
    """Return the methods of each path."""
    app = create_app(
        Settings(database_url="sqlite://", s3_bucket="media-bucket", jwt_secret="x" * 32)
    )
    document: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return {
        shape(path): {name.upper() for name in operations}
        for path, operations in document["paths"].items()
    }


def declared_fields() -> dict[str, fields.Field[Any]]:
    """Return the fields of all requests and answers by their names in JSON."""
    return {
        field.data_key or name: field
        for module in MODULES
        for schema in vars(module).values()
        if isinstance(schema, type) and issubclass(schema, Schema)
        for name, field in schema._declared_fields.items()
    }


def fields_of_the_api() -> set[str]:
    """Return the names of all fields, and of the profiles, which are keys in `/api/profiles/`."""
    return {profile.name for profile in Limits().profiles} | set(declared_fields())
