"""What libraries compute for each app, session or engine, tests compute once per process.

A server creates one app, but a test process creates thousands, and each would take longer to create
than most tests take to run. Nothing of a test is kept, such as a value of the environment or a row.
Programs that tests start, such as `broker serve`, run without this module.
"""

import functools
import gc
import os
import ssl
import sys
from collections.abc import Callable
from typing import Any

import botocore.hooks
import botocore.loaders
import httpx._transports.default
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource
from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

STATEMENTS_MAX = 4000


def install() -> None:
    """Replace the functions of libraries by ones that keep their results."""
    # jsonschema would compile grammars of formats that no test checks, which takes a second.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    # boto3 would read a megabyte of JSON for every session.
    botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)
    _keep_signatures()
    _keep_aliases()
    _keep_builders()
    _keep_variables()
    _keep_statements()
    _keep_certificates()


def spare_from_collection() -> None:
    """Exclude modules, and all else that is there now, from garbage collection.

    They stay in memory until the end, and each full collection would scan them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


def _keep_signatures() -> None:
    """Check the signature of each handler that a boto3 session registers once."""
    check = functools.cache(botocore.hooks.accepts_kwargs)

    def accepts_kwargs(handler: Callable[..., object]) -> bool:
        # Cache the function of a method, so that the cache keeps no object of a test alive.
        return bool(check(getattr(handler, "__func__", handler)))

    botocore.hooks.accepts_kwargs = accepts_kwargs


def _keep_aliases() -> None:
    """Compute the alias of each event for which a boto3 session registers a handler once."""
    aliaser = botocore.hooks.EventAliaser
    compute, aliases = aliaser._alias_event_name, dict[str, str]()

    def alias(self: Any, event_name: str) -> str:
        if event_name not in aliases:
            aliases[event_name] = compute(self, event_name)
        return aliases[event_name]

    aliaser._alias_event_name = alias


def _keep_builders() -> None:
    """Compile what builds URLs once for each of the sixty routes."""
    compile_builder, builders = Rule._compile_builder, dict[object, Any]()

    def builder(rule: Rule, append_unknown: bool = True) -> Any:
        key = (rule.rule, *rule._trace, repr(rule.defaults), append_unknown)
        if key not in builders:
            builders[key] = compile_builder(rule, append_unknown)
        return builders[key]

    Rule._compile_builder = builder  # type: ignore[method-assign]


def _keep_variables() -> None:
    """Find the environment variable of each setting once."""
    extract, variables = EnvSettingsSource._extract_field_info, dict[object, Any]()

    def extracted(source: EnvSettingsSource, field: FieldInfo, name: str, *others: Any) -> Any:
        # A field is equal only to itself, and the key keeps it alive.
        key = (type(source), source.env_prefix, field, name, *map(repr, others))
        if key not in variables:
            variables[key] = extract(source, field, name, *others)
        return variables[key]

    EnvSettingsSource._extract_field_info = extracted  # type: ignore[method-assign]


def _keep_statements() -> None:
    """Compile each statement once per dialect and version of the server, not per engine."""
    caches: dict[type, LRUCache[Any, Any]] = {}

    def equal(self: DefaultDialect, other: object) -> bool:
        return type(self) is type(other) and _version(self) == _version(other)

    def cache(self: Engine) -> Any:
        return caches.setdefault(type(self.dialect), LRUCache(STATEMENTS_MAX))

    DefaultDialect.__eq__ = equal  # type: ignore[method-assign,assignment]
    DefaultDialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]
    # An engine sets its own in its constructor.
    Engine._compiled_cache = property(cache, lambda *_: None)  # type: ignore[assignment]


def _keep_certificates() -> None:
    """Load the authorities that httpx trusts once. Each client would take 40 ms of CPU for it."""
    module: Any = httpx._transports.default
    create, contexts = module.create_ssl_context, dict[object, ssl.SSLContext]()

    def created(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        if verify is not True or cert:
            context: ssl.SSLContext = create(verify=verify, cert=cert, trust_env=trust_env)
            return context
        key = (trust_env, *map(os.environ.get, ("SSL_CERT_FILE", "SSL_CERT_DIR")))
        if key not in contexts:
            contexts[key] = create(trust_env=trust_env)
        return contexts[key]

    module.create_ssl_context = created


def _version(dialect: object) -> object:
    return getattr(dialect, "server_version_info", None)
