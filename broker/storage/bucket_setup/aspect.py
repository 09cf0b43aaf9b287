"""One aspect of a bucket's configuration: how it is read, what it should be, how it is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOT_SUPPORTED = frozenset({"NotImplemented", "MethodNotAllowed"})


@dataclass(frozen=True, kw_only=True)
class Aspect:
    """A part of the configuration that one pair of calls reads and writes as a whole.

    `wanted` is given what is there, in the form that `read` gives it, and must keep whatever is
    not ours. `absent` are the error codes by which `read` says that nothing is there, which is
    then `empty`; `not_supported` those by which a server says that it has no such thing.
    """

    title: str
    read: Callable[["S3Client", str], Any]
    wanted: Callable[[Any], Any]
    write: Callable[["S3Client", str, Any], object]
    empty: Any
    absent: frozenset[str] = frozenset()
    not_supported: frozenset[str] = NOT_SUPPORTED


def by_id(rules: list[Any], own: list[Mapping[str, Any]], name: str = "ID") -> list[Any]:
    """Put our own rules among those that are there: in place of an older form, else at the end."""
    wanted = {rule[name]: rule for rule in own}
    kept = [wanted.pop(rule.get(name), rule) for rule in rules]
    return [*kept, *wanted.values()]
