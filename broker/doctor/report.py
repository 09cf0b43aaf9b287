"""Format a run's findings: lines for people, or JSON for programs."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from broker.doctor.finding import Finding, Outcome

NAME_WIDTH = 17


def lines(finding: Finding) -> Iterable[str]:
    """Yield the finding's line, then the setting and the fix."""
    yield f"{finding.outcome:<4}  {finding.check:<{NAME_WIDTH}}  {finding.detail}"
    indent = " " * (NAME_WIDTH + 8)
    if finding.setting is not None:
        yield f"{indent}setting: {finding.setting}"
    if finding.fix is not None:
        yield f"{indent}fix: {finding.fix}"


def summary(findings: Sequence[Finding]) -> str:
    """Return the number of findings for each outcome."""
    counts = Counter(finding.outcome for finding in findings)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome)


def as_json(findings: Sequence[Finding]) -> str:
    """Return a JSON list of objects with check, outcome, detail, setting and fix."""
    return json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)


def failed(findings: Iterable[Finding]) -> bool:
    """Check whether any check failed. Warnings do not count."""
    return any(finding.outcome is Outcome.FAIL for finding in findings)
