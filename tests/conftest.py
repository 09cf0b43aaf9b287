"""Fixtures for all tests: real servers, and none of the developer's credentials."""

import functools
import gc
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import botocore.hooks
import botocore.loaders
import pytest
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource
from werkzeug.routing import Rule

pytest_plugins = [
    "pytester",
    "tests.canaries.plugin",
    "tests.servers.fixtures",
    "tests.http.fixtures",
]

# jsonschema would compile the grammars of formats, which takes a second and which no test checks.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

# boto3 reads a megabyte of JSON for every session; load it once per process.
botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)
_accepts_kwargs = functools.cache(botocore.hooks.accepts_kwargs)


def accepts_kwargs(handler: Callable[..., object]) -> bool:
    """Cache the signature check of each handler that a boto3 session registers."""
    # Cache the function of a method, so that the cache keeps no object of a test alive.
    return bool(_accepts_kwargs(getattr(handler, "__func__", handler)))


botocore.hooks.accepts_kwargs = accepts_kwargs
_alias_event_name = botocore.hooks.EventAliaser._alias_event_name
_aliases: dict[str, str] = {}


def alias_event_name(self: botocore.hooks.EventAliaser, event_name: str) -> str:
    """Cache the alias of each event for which a boto3 session registers a handler."""
    if event_name not in _aliases:
        _aliases[event_name] = _alias_event_name(self, event_name)
    return _aliases[event_name]


botocore.hooks.EventAliaser._alias_event_name = alias_event_name

# Werkzeug compiles two functions for each of the sixty routes of an app, and most tests create one.
_compile_builder = Rule._compile_builder
_builders: dict[object, Callable[..., tuple[str, str]]] = {}


def compile_builder(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    """Compile what builds the URLs of a route once per process."""
    key = (rule.rule, *rule._trace, repr(rule.defaults), append_unknown)
    if key not in _builders:
        _builders[key] = _compile_builder(rule, append_unknown)
    return _builders[key]


Rule._compile_builder = compile_builder  # type: ignore[method-assign]

_extract_field_info = EnvSettingsSource._extract_field_info
_variables: dict[object, list[tuple[str, str, bool]]] = {}


def extract_field_info(
    source: EnvSettingsSource, field: FieldInfo, field_name: str, *others: Any
) -> list[tuple[str, str, bool]]:
    """Read once per process which environment variable each setting has."""
    key = (type(source), id(field), field_name, *map(repr, others))
    if key not in _variables:
        _variables[key] = _extract_field_info(source, field, field_name, *others)
    return _variables[key]


EnvSettingsSource._extract_field_info = extract_field_info  # type: ignore[method-assign]


def pytest_collection_finish() -> None:
    """Exclude modules and collected tests from garbage collection.

    They stay in memory until the end, and each full collection would scan them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


@pytest.fixture(scope="session", autouse=True)
def report_unclosed_resources() -> Iterator[None]:
    """Collect garbage in the last teardown, so that xdist still reports ResourceWarnings."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def no_outside_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own AWS profile, keys and settings out of the tests."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "BROKER_")):
            monkeypatch.delenv(name)
    # A test of inspection says so itself, because it needs a worker.
    monkeypatch.setenv("BROKER_INSPECTION", "off")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
