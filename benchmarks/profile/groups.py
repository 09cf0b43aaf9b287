"""The groups that time is told apart by. A stack belongs to the first rule that fits it.

The rules that look `anywhere` come first, for what is told by what called it; then the frames are
walked from the innermost outwards, so that a library's time is its caller's where it has no
group of its own: `hmac` is signing below the signer and token below the JWT library.
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
    """Frames whose file holds one of `files`, and whose function is one of `functions`, if any."""

    group: str
    files: tuple[str, ...]
    functions: tuple[str, ...] = ()

    def fits(self, frame: Frame) -> bool:
        """Tell whether a frame is of this group."""
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
    Rule(group="commit", files=("broker/db/cursors",), functions=("commit",)),
)
INNERMOST = (
    Rule(group="SQL", files=("/sqlalchemy/", "/psycopg", "/sqlite3/", "broker/db/")),
    Rule(group="HEAD", files=("broker/storage/heads", "/urllib3/", "/http/client")),
    Rule(
        group="signing",
        files=(
            *("broker/storage/", "broker/domain/post_policy", "broker/domain/put_request"),
            "/botocore/",
        ),
    ),
    Rule(group="token", files=("broker/api/auth", "/jwt/", "/flask_jwt_extended/")),
    Rule(group="parsing", files=("/webargs/", "broker/api/parsing", "werkzeug/formparser")),
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
            "broker/api/shapes",
            "broker/api/answers",
            "flask_smorest/response",
            "/json/encoder",
        ),
    ),
    Rule(
        group="log and metrics",
        files=(
            *("broker/telemetry/", "broker/api/request_log", "broker/api/request_metrics"),
            *("/logging/", "/prometheus_client/"),
        ),
    ),
    Rule(group="rules of the service", files=("broker/services/", "broker/domain/")),
    Rule(group="idempotency", files=("broker/api/idempotency",)),
    Rule(group="Flask", files=("/flask/", "/werkzeug/", "/flask_smorest/", "/flask_cors/")),
)
GROUPS = tuple(dict.fromkeys([*(r.group for r in INNERMOST), "commit", OTHER]))


def group_of(stack: Sequence[Frame]) -> str:
    """Name the group of a stack, its innermost frame first."""
    for rule in ANYWHERE:
        if any(rule.fits(frame) for frame in stack):
            return rule.group
    for frame in stack:
        for rule in INNERMOST:
            if rule.fits(frame):
                return rule.group
    return OTHER
