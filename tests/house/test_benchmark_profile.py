"""The groups of the profile: each file of ours counts for what it does."""

from pathlib import Path

import pytest

from benchmarks.profile.groups import ANYWHERE, INNERMOST, OTHER, Frame, group_of

ROOT = Path(__file__).parent.parent.parent
# What runs during a request. The rest starts the server, or is another program.
OF_REQUESTS = ("api", "db", "domain", "services", "storage", "telemetry")


@pytest.mark.parametrize(
    ("stack", "group"),
    [
        (["/lib/hmac.py:digest", "/broker/storage/sigv4.py:sign"], "signing"),
        (["/lib/hmac.py:digest", "/site-packages/jwt/algorithms.py:verify"], "token"),
        (["/psycopg/connection.py:wait", "/sqlalchemy/engine/default.py:do_commit"], "commit"),
        (["/psycopg/connection.py:wait", "/sqlalchemy/engine/default.py:do_execute"], "SQL"),
        (["/site-packages/marshmallow/fields.py:_serialize"], "serialising"),
        (
            ["/broker/storage/bucket_connections.py:head", "/broker/storage/heads.py:_send"],
            "bucket",
        ),
        (["/lib/socket.py:readinto", "/broker/storage/http_head.py:read_head"], "bucket"),
        (["/broker/storage/sigv4.py:sign_head", "/broker/storage/heads.py:_signed"], "signing"),
        (
            ["/broker/api/routes/parts.py:sign", "/flask_smorest/response.py:wrapper"],
            "views and middleware",
        ),
        (["/lib/something.py:f"], "other"),
    ],
)
def test_time_belongs_to_what_asked_for_it(stack: list[str], group: str) -> None:
    frames = [Frame(file=file, function=name) for file, name in (one.split(":") for one in stack)]
    assert group_of(frames) == group


def test_every_file_of_ours_that_a_group_names_exists() -> None:
    parts = {part for rule in (*ANYWHERE, *INNERMOST) for part in rule.files}
    ours = {part for part in parts if part.startswith(("broker/", "schemas/"))}
    assert ours
    for part in ours:
        assert [*ROOT.glob(f"{part}*")], part


def test_every_file_that_runs_during_a_request_has_a_group() -> None:
    files = [path for name in OF_REQUESTS for path in (ROOT / "broker" / name).rglob("*.py")]
    assert len(files) > 100
    assert [path for path in files if _group(path) == OTHER] == []


def test_only_what_signs_counts_as_signing() -> None:
    storage = (ROOT / "broker/storage").rglob("*.py")
    assert {path.stem for path in storage if _group(path) == "signing"} == {
        *("sigv4", "signed_urls", "presigner"),
        "factory",  # returns the credentials of each signature
    }


def _group(path: Path) -> str:
    return group_of([Frame(file=path.as_posix(), function="f")])
