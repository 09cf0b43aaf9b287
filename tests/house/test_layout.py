"""The layout rules: short files, no catch-all modules, and routes declare their auth."""

from pathlib import Path

from broker.api.request.context import Broker
from broker.app import create_app
from broker.config import Settings

ROOT = Path(__file__).parent.parent.parent
PUBLIC = {
    "read",
    "index",
    "asset",
    "healthz",
    "readyz",
    "metrics",
    "show",
    "openapi_json",
    "errors",
}


def sources() -> list[Path]:
    folders = ("broker", "schemas", "clients", "tests")
    return [
        path
        for folder in folders
        for pattern in ("*.py", "*.kt")
        for path in (ROOT / folder).rglob(pattern)
    ]


def test_no_file_is_over_300_lines() -> None:
    long = [p.name for p in sources() if len(p.read_text().splitlines()) > 300]
    assert long == []


def test_no_module_is_for_odds_and_ends() -> None:
    assert not [p for p in sources() if p.stem in ("utils", "helpers", "common", "misc")]


def test_each_package_that_is_published_alone_carries_the_licence() -> None:
    for client in ("js", "kotlin", "python", "swift"):
        copy = ROOT / "clients" / client / "LICENSE"
        assert copy.read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_every_route_below_api_declares_its_authentication() -> None:
    app = create_app(
        Settings(database_url="sqlite://", s3_bucket="media-bucket", jwt_secret="x" * 32)
    )
    broker: Broker = app.extensions["broker"]
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            view = app.view_functions[rule.endpoint]
            declared = getattr(view, "auth", None)
            assert declared in ("required", "optional", "capability", "secret"), rule.rule
        else:
            assert rule.endpoint.rpartition(".")[2] in PUBLIC, rule.rule
    broker.database.dispose()
