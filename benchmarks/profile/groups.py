"""Assign stacks to groups. A stack belongs to the group of the first rule that matches.

The rules in ANYWHERE come first and match any frame. Then the frames are checked from the
innermost outwards. So the time of a library without a group counts for its caller: `hmac` is
"signing" if the signer calls it, and "token" if the JWT library does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A function in a stack: its file with forward slashes, and its name."""

    file: str
    function: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Matches frames by a part of the file name and, if given, by function name."""

    group: str
    files: tuple[str, ...]
    functions: tuple[str, ...] = ()

    def matches(self, frame: Frame) -> bool:
        """Check whether a frame belongs to this group."""
        if self.functions and frame.function not in self.functions:
            return False
        return any(part in frame.file for part in self.files)


LOADING = ("load", "loads", "_do_load", "_deserialize", "deserialize", "_invoke_load_processors")
DUMPING = ("dump", "dumps", "_serialize", "serialize", "_invoke_dump_processors", "dump_json")
ANYWHERE = (
    Rule(
        group="commit",
        files=("sqlalchemy/",),
        functions=("do_commit", "_commit_impl", "do_commit_twophase"),
    ),
    Rule(group="commit", files=("broker/db/fast_path/driver_cursors",), functions=("commit",)),
)
INNERMOST = (
    Rule(group="SQL", files=("/sqlalchemy/", "/psycopg", "/sqlite3/", "broker/db/")),
    # The storage reads the credentials from botocore.
    Rule(
        group="signing",
        files=(
            *("broker/storage/sigv4", "broker/storage/signed_urls", "broker/storage/presigner"),
            *("broker/storage/factory", "broker/domain/post_policy", "broker/domain/put_request"),
            "/botocore/",
        ),
    ),
    Rule(group="bucket", files=("broker/storage/", "/urllib3/", "/http/client")),
    Rule(group="token", files=("broker/api/auth", "/jwt/", "/flask_jwt_extended/")),
    Rule(group="parsing", files=("/webargs/", "broker/api/request/parsing", "werkzeug/formparser")),
    Rule(group="parsing", files=("/marshmallow/", "/flask/json/", "schemas/"), functions=LOADING),
    Rule(group="parsing", files=("/wrappers/request",), functions=("get_json", "json", "get_data")),
    Rule(
        group="serialising",
        files=("/marshmallow/", "/flask/json/", "schemas/"),
        functions=DUMPING,
    ),
    Rule(
        group="serialising",
        files=(
            "broker/api/routes/shapes",
            "broker/api/request/json_provider",
            "flask_smorest/response",
            "/json/encoder",
        ),
    ),
    Rule(
        group="log and metrics",
        files=(
            *("broker/telemetry/", "broker/api/middleware/request_"),
            *("/logging/", "/prometheus_client/"),
        ),
    ),
    Rule(group="services", files=("broker/services/", "broker/domain/")),
    Rule(group="idempotency", files=("broker/api/routes/idempotency",)),
    Rule(group="views and middleware", files=("broker/api/",)),
    Rule(group="Flask", files=("/flask/", "/werkzeug/", "/flask_smorest/", "/flask_cors/")),
)
GROUPS = tuple(dict.fromkeys([*(r.group for r in INNERMOST), "commit", OTHER]))


def group_of(stack: Sequence[Frame]) -> str:
    """Return the group of a stack. The innermost frame comes first."""
    for rule in ANYWHERE:
        if any(rule.matches(frame) for frame in stack):
            return rule.group
    for frame in stack:
        for rule in INNERMOST:
            if rule.matches(frame):
                return rule.group
    return OTHER
