"""`python -m benchmarks.compare BEFORE.json AFTER.json`: print two tables side by side.

Lines are matched by their text, profiles by their name. Entries that only one table has are left
out.
"""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.table import number

Table = dict[str, Any]


def main() -> int:
    """Print the comparison."""
    if len(sys.argv) != 3:
        sys.stderr.write((__doc__ or "").split(":")[0] + "\n")
        return 2
    before, after = (json.loads(Path(name).read_text()) for name in sys.argv[1:])
    sys.stdout.write(
        "\n".join([*compared_lines(before, after), "", *compared_profiles(before, after)])
    )
    sys.stdout.write("\n")
    return 0


def compared_lines(before: Table, after: Table) -> list[str]:
    """Return a table of the medians, and of the ratios to the peers."""
    old, new = _lines(before), _lines(after)
    rows = ["| what | unit | before | after | change | ratio before | ratio after |"]
    rows.append("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for key in [key for key in old if key in new]:
        what, beside = key
        was, now = old[key]["measured"]["median"], new[key]["measured"]["median"]
        cells = [
            f"{what}, compared with {beside}" if beside else what,
            old[key]["unit"],
            number(was),
            number(now),
            f"× {now / was:.2f}" if was else "",
            _ratio(old[key]),
            _ratio(new[key]),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def compared_profiles(before: Table, after: Table) -> list[str]:
    """Return a table of the time of each group in one call, in microseconds."""
    old, new = _profiles(before), _profiles(after)
    rows = []
    for name in [name for name in old if name in new]:
        rows += [f"| {name} | before, µs | after, µs |", "| --- | ---: | ---: |"]
        groups = dict.fromkeys([*old[name]["shares"], *new[name]["shares"]])
        for group in groups:
            rows.append(f"| {group} | {_spent(old[name], group)} | {_spent(new[name], group)} |")
        totals = [number(one[name]["microseconds"]) for one in (old, new)]
        rows += [f"| together | {totals[0]} | {totals[1]} |", ""]
    return rows


def _lines(table: Table) -> dict[tuple[str, str], Table]:
    return {
        (line["what"], line["beside"] or ""): line
        for section in table["sections"]
        for line in section["lines"]
    }


def _profiles(table: Table) -> Table:
    found: Table = {}
    for section in table["sections"]:
        found |= section.get("profiles", {})
    return found


def _ratio(line: Table) -> str:
    return number(line["ratio"]["median"]) if line["ratio"] else ""


def _spent(profile: Table, group: str) -> str:
    return number(profile["shares"].get(group, 0.0) * profile["microseconds"])


if __name__ == "__main__":
    sys.exit(main())
