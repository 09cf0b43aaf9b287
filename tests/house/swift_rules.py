"""The retry rules of the Swift client, read from its source and run in Python.

Most machines have no Swift compiler. The rules are one table of simple conditions, so each
condition is translated into a Python expression, word by word. A condition that cannot be
translated is an error.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
SOURCE = (ROOT / "clients/swift/Sources/UploadBrokerCore/RetryRules.swift").read_text()
_RULE = re.compile(r"^ {8}Rule\(\[([^\]]*)\], \.(\w+)\) \{(.*?)\},$", re.MULTILINE | re.DOTALL)
_WORDS = (
    (r"\$0\.", "f."),
    (r"RetryPolicy\.", "limits."),
    (r"&&", " and "),
    (r"\|\|", " or "),
    (r"\b_ in true\b", "True"),
)
_SAFE = re.compile(r'(?:[\w\s.,"()<>=]|!=)+')


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Swift's `Failure`. The names are those of its source."""

    status: int
    code: str
    message: str
    fromProxy: bool  # noqa: N815
    tries: int

    @property
    def isTemporary(self) -> bool:  # noqa: N802
        return bool(_translated("isTemporary", self))

    @property
    def isRefused(self) -> bool:  # noqa: N802
        return bool(_translated("isRefused", self))

    @property
    def isUnexpected(self) -> bool:  # noqa: N802
        return bool(_translated("isUnexpected", self))

    @property
    def saysExpired(self) -> bool:  # noqa: N802
        found = re.search(r"var saysExpired: Bool \{\s*\[(.*?)\]\.contains \{ (.*?) \}\s", SOURCE)
        assert found is not None
        assert found[2] == "message.lowercased().contains($0)"
        return any(text in self.message.lower() for text in re.findall(r'"([^"]+)"', found[1]))

    def has(self, *codes: str) -> bool:
        return self.code in codes


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One row of the table."""

    phases: tuple[str, ...]
    decision: str
    matches: Callable[[Failure], bool]


def number(name: str) -> float:
    """Return a number that RetryPolicy declares."""
    found = re.search(rf"\bstatic let (?:[^\n]*, )?{name} = ([\d.]+)", SOURCE)
    assert found is not None, name
    return float(found[1])


class _Limits:
    """RetryPolicy's numbers as attributes."""

    def __getattr__(self, name: str) -> float:
        return number(name)


def _python(condition: str) -> str:
    for swift, python in _WORDS:
        condition = re.sub(swift, python, condition)
    assert _SAFE.fullmatch(condition), condition
    return " ".join(condition.split())


def _translated(name: str, failure: Failure) -> object:
    found = re.search(rf"var {name}: Bool \{{ (.*?) \}}$", SOURCE, re.MULTILINE)
    assert found is not None, name
    names = {one: getattr(failure, one) for one in ("status", "code", "message", "tries")}
    return eval(_python(found[1]), {"__builtins__": {}}, names)


def _raw_values(enum: str) -> dict[str, str]:
    """Return the cases of an enum, and their texts."""
    body = re.search(rf"^enum {enum}: String \{{\n(.*?)^\}}$", SOURCE, re.MULTILINE | re.DOTALL)
    assert body is not None
    cases = re.findall(r'^ {4}case (\w+)(?: = "(\w+)")?', body[1], re.MULTILINE)
    return {name: raw or name for name, raw in cases}


def rules() -> list[Rule]:
    """Return the table."""
    phases, decisions = _raw_values("Phase"), _raw_values("Decision")
    found = []
    for names, decision, condition in _RULE.findall(SOURCE):
        code = compile(_python(condition), "rule", "eval")
        found.append(
            Rule(
                phases=tuple(phases[one.strip(" .")] for one in names.split(",")),
                decision=decisions[decision],
                matches=lambda f, code=code: bool(
                    eval(code, {"__builtins__": {}}, {"f": f, "limits": _Limits()})
                ),
            )
        )
    assert len(found) == len(re.findall(r"\bRule\(\[", SOURCE))
    return found


def phases() -> set[str]:
    """Return the phases that the client has."""
    return set(_raw_values("Phase").values())


def failure_of(row: dict[str, Any]) -> Failure:
    """Return a row of tests/retry_cases.json as the client's own test does."""
    own = "network" if row["from"] == "nobody" else "unexpected_answer"
    is_s3 = row["phase"] in ("send", "part")
    return Failure(
        status=row["status"],
        code=row.get("code", own),
        message=row.get("message", ""),
        fromProxy=is_s3 and row["from"] == "proxy",
        tries=row.get("tries", 1),
    )


def seconds(row: dict[str, Any]) -> float:
    """Return how long the client waits after a row, with the random part at its longest."""
    exponent = min(row.get("tries", 1), 20) - 1
    backoff = min(number("firstBackoff") * math.pow(2, exponent), number("maxBackoff"))
    return max(backoff, min(row.get("retry_after", 0.0), number("maxRetryAfter")))
