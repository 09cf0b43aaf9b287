"""One aspect of a bucket's configuration: read it, compute the wanted value, write it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from broker.domain.s3_servers import Feature
from broker.storage.bucket_setup.canonical import same

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOT_SUPPORTED = frozenset({"NotImplemented", "MethodNotAllowed"})


class Unreadable(Exception):
    """The server's answer is not the document that S3 describes; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Aspect:
    """A part of the configuration that one pair of S3 calls reads and writes as a whole.

    Attributes:
        title: the name that the operator sees.
        feature: what the server must have.
        permission: the name of its IAM actions, without s3:Get and s3:Put.
        read: return the current configuration; raise Unreadable.
        wanted: take the value of `read`, return what it should be. Keep the rules of others.
        write: replace the configuration.
        empty: the value for a bucket without this configuration.
        not_supported: S3 error codes that mean that the server lacks this feature.
        is_lacking: the server is known to lack it, so any refusal means this.
    """

    title: str
    feature: Feature
    permission: str
    read: Callable[["S3Client", str], Any]
    wanted: Callable[[Any], Any]
    write: Callable[["S3Client", str, Any], object]
    empty: Any
    not_supported: frozenset[str] = NOT_SUPPORTED
    is_lacking: bool = False


def by_id(rules: list[Any], own: list[Mapping[str, Any]], name: str = "ID") -> list[Any]:
    """Merge our rules into the existing ones: replace an older version, append a new rule.

    A rule that is the same except for its ID counts as ours, because some servers choose the IDs
    themselves.
    """
    wanted = {rule[name]: rule for rule in own}
    kept = [wanted.pop(rule.get(name), rule) for rule in rules]
    contents = [_without(name, rule) for rule in rules]
    missing = [
        rule
        for rule in wanted.values()
        if not any(same(content, _without(name, rule)) for content in contents)
    ]
    return [*kept, *missing]


def _without(name: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in rule.items() if key != name}
