"""How a part of the matrix ended, and the lines of the report."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# The last line of pytest: "==== 3 passed, 1 skipped in 4.21s ====".
_SUMMARY = re.compile(r"^=+ (\d+ (?:passed|failed|skipped|errors?|deselected)\b.*) in .*=+$", re.M)


@dataclass(frozen=True)
class Outcome:
    """How one part ended, and the file with its output."""

    part: str
    seconds: float
    status: int
    log: Path

    @property
    def output(self) -> str:
        """Everything that the part printed."""
        return self.log.read_text(errors="replace")

    @property
    def line(self) -> str:
        """The part's line in the report."""
        result = "failed" if self.status else "passed"
        counts = _SUMMARY.findall(self.output)
        return f"{self.part:<12} {self.seconds:7.1f} s  {': '.join([result, *counts[-1:]])}"


def table(outcomes: Sequence[Outcome], seconds: float) -> str:
    """Return the report: a line for each part, then how many failed and the time of all."""
    failed = sum(outcome.status != 0 for outcome in outcomes)
    lines = [outcome.line for outcome in outcomes]
    lines.append(f"{len(outcomes)} parts in {seconds:.0f} s, {failed} failed")
    return "\n".join(lines) + "\n"
