"""The report of a run: lines for people, or JSON for programs."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from broker.doctor.finding import Finding, Outcome

NAME_WIDTH = 17


def lines(finding: Finding) -> Iterable[str]:
    """Give a finding's line, and below it the setting and the fix."""
    yield f"{finding.outcome:<4}  {finding.check:<{NAME_WIDTH}}  {finding.detail}"
    indent = " " * (NAME_WIDTH + 8)
    if finding.setting is not None:
        yield f"{indent}setting: {finding.setting}"
    if finding.fix is not None:
        yield f"{indent}fix: {finding.fix}"


def summary(findings: Sequence[Finding]) -> str:
    """Count the outcomes."""
    counts = Counter(finding.outcome for finding in findings)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome)


def as_json(findings: Sequence[Finding]) -> str:
    """Give a list of objects with check, outcome, detail, setting and fix."""
    return json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)


def failed(findings: Iterable[Finding]) -> bool:
    """Tell whether any check failed; warnings do not count."""
    return any(finding.outcome is Outcome.FAIL for finding in findings)
