"""One aspect of a bucket's configuration: read it, compute the wanted value, write it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOT_SUPPORTED = frozenset({"NotImplemented", "MethodNotAllowed"})


@dataclass(frozen=True, kw_only=True)
class Aspect:
    """A part of the configuration that one pair of S3 calls reads and writes as a whole.

    Attributes:
        title: the name that the operator sees.
        read: return the current configuration.
        wanted: take the value of `read`, return what it should be. Keep the rules of others.
        write: replace the configuration.
        empty: the value for a bucket without this configuration.
        absent: S3 error codes of `read` that mean `empty`.
        not_supported: S3 error codes that mean that the server lacks this feature.
    """

    title: str
    read: Callable[["S3Client", str], Any]
    wanted: Callable[[Any], Any]
    write: Callable[["S3Client", str, Any], object]
    empty: Any
    absent: frozenset[str] = frozenset()
    not_supported: frozenset[str] = NOT_SUPPORTED


def by_id(rules: list[Any], own: list[Mapping[str, Any]], name: str = "ID") -> list[Any]:
    """Merge our rules into the existing ones: replace an older version, append a new rule."""
    wanted = {rule[name]: rule for rule in own}
    kept = [wanted.pop(rule.get(name), rule) for rule in rules]
    return [*kept, *wanted.values()]
