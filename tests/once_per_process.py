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

import botocore.client
import botocore.hooks
import botocore.loaders
import botocore.regions
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
    _keep_service_models()
    _keep_routes()
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


def _keep_service_models() -> None:
    """Read boto3's description of S3 once: its operations, its endpoints, the class of a client."""
    creator = botocore.client.ClientCreator
    load, models = creator._load_service_model, dict[object, Any]()
    make_class, classes = creator._create_client_class, dict[object, type]()

    def service_model(self: Any, name: str, api_version: str | None = None) -> Any:
        key = (self._loader, name, api_version)
        if key not in models:
            models[key] = load(self, name, api_version)
        return models[key]

    def client_class(self: Any, name: str, model: Any) -> type:
        if model not in classes:
            classes[model] = make_class(self, name, model)
        return classes[model]

    creator._load_service_model = service_model
    creator._create_client_class = client_class
    provider, providers = botocore.regions.EndpointProvider, dict[object, Any]()

    def endpoint_provider(
        ruleset_data: Any, partition_data: Any, excluded_params: Any = None
    ) -> Any:
        key = (id(ruleset_data), id(partition_data), frozenset(excluded_params or ()))
        if key not in providers:
            # The data are kept, too, so that no others get their ids.
            found = provider(ruleset_data, partition_data, excluded_params)
            providers[key] = found, ruleset_data, partition_data
        return providers[key][0]

    botocore.regions.EndpointProvider = endpoint_provider


def _keep_routes() -> None:
    """Compile each of the sixty routes once."""
    compile_rule, compiled = Rule.compile, dict[object, Any]()
    names = ("_parts", "_trace", "_converters", "arguments", "_build", "_build_unknown")

    def compile_once(rule: Rule) -> None:
        assert rule.map is not None
        host = rule.host if rule.map.host_matching else rule.subdomain
        converters = tuple(rule.map.converters.items())
        key = (rule.rule, host, rule.merge_slashes, repr(rule.defaults), converters)
        if key not in compiled:
            compile_rule(rule)
            compiled[key] = {name: getattr(rule, name) for name in names}
        for name, value in compiled[key].items():
            # The two methods belong to the rule for which they were compiled.
            method = getattr(value, "__func__", None)
            setattr(rule, name, value if method is None else method.__get__(rule))

    Rule.compile = compile_once  # type: ignore[method-assign]


def _keep_variables() -> None:
    """Find the environment variable of each setting, and whether it is JSON, once."""
    extract, variables = EnvSettingsSource._extract_field_info, dict[object, Any]()

    def extracted(source: EnvSettingsSource, field: FieldInfo, name: str, *others: Any) -> Any:
        # A field is equal only to itself, and the key keeps it alive.
        key = (type(source), source.env_prefix, field, name, *map(repr, others))
        if key not in variables:
            variables[key] = extract(source, field, name, *others)
        return variables[key]

    EnvSettingsSource._extract_field_info = extracted  # type: ignore[method-assign]
    is_complex, complex_fields = EnvSettingsSource._field_is_complex, dict[object, Any]()

    def kept_is_complex(source: EnvSettingsSource, field: FieldInfo) -> Any:
        key = (type(source), field)
        if key not in complex_fields:
            complex_fields[key] = is_complex(source, field)
        return complex_fields[key]

    EnvSettingsSource._field_is_complex = kept_is_complex  # type: ignore[method-assign]


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
