"""What tests compute once per process belongs to the class that it was computed for."""

import gc
import ssl
from pathlib import Path

import httpx
import pytest
from pydantic_settings import BaseSettings, SettingsConfigDict
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter, IntegerConverter, Map, Rule


def read(prefix: str) -> str:
    class Settings(BaseSettings):
        model_config = SettingsConfigDict(env_prefix=prefix)
        name: str = ""

    return Settings().name


def test_settings_of_two_classes_read_their_own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for prefix in ("ONE_", "OTHER_", "THIRD_"):
        monkeypatch.setenv(f"{prefix}NAME", prefix)
        # Another field may get the address of one that no longer exists.
        gc.collect()
        assert read(prefix) == prefix


def test_a_prefix_that_is_an_argument_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Settings(BaseSettings):
        name: str = ""

    for prefix in ("ONE_", "OTHER_"):
        monkeypatch.setenv(f"{prefix}NAME", prefix)
        assert Settings(_env_prefix=prefix).name == prefix


def test_a_client_trusts_the_file_that_the_environment_names_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpx.Client().close()
    (tmp_path / "none.pem").write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(ssl.SSLError):
        httpx.Client()
    monkeypatch.delenv("SSL_CERT_FILE")
    httpx.Client().close()


def test_a_route_has_the_converters_of_its_own_map() -> None:
    def match(converter: type[BaseConverter], path: str) -> object:
        routes = Map([Rule("/ads/<thing:ad>", endpoint="ad")], converters={"thing": converter})
        endpoint, values = routes.bind("localhost").match(path)
        assert routes.bind("localhost").build(endpoint, values) == path
        return values["ad"]

    for _ in range(2):
        assert match(IntegerConverter, "/ads/7") == 7
        assert match(BaseConverter, "/ads/7") == "7"
        with pytest.raises(NotFound):
            match(IntegerConverter, "/ads/seven")


def test_settings_read_json_only_for_fields_that_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    class Names(BaseSettings):
        names: list[str] = []

    class Name(BaseSettings):
        names: str = ""

    monkeypatch.setenv("NAMES", '["a"]')
    for _ in range(2):
        assert Names().names == ["a"]
        assert Name().names == '["a"]'
