"""One row of the table of problems."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A problem type (RFC 9457). `meaning` and `advice` are Markdown without a full stop."""

    code: str
    status: int
    title: str
    meaning: str
    advice: str
