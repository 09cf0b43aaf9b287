"""The conditions of a run: if they are not met, its figures must not be quoted."""

import os
from dataclasses import dataclass

from benchmarks import interpreter

MOST_LOAD = 0.5


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """The load averages of 1, 5 and 15 minutes before the run, and the kind of the run."""

    load: tuple[float, float, float]
    has_pgo: bool
    quick: bool

    @classmethod
    def now(cls, *, quick: bool) -> "Conditions":
        """Return the conditions before anything is started."""
        return cls(load=os.getloadavg(), has_pgo=interpreter.has_pgo(), quick=quick)

    def not_quotable(self) -> list[str]:
        """Return why the figures must not be quoted; an empty list if they may be."""
        reasons = []
        if self.quick:
            reasons.append("it was a quick run, only to see that everything works")
        if not self.has_pgo:
            reasons.append("the interpreter was built without PGO")
        if self.load[0] > MOST_LOAD:
            reasons.append(
                f"the load average before the run was {self.load[0]:.2f}, above {MOST_LOAD}"
            )
        return reasons
