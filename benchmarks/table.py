"""The table of results: its lines, and the files that contain it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.rounds import Spread

HEAD = ("what", "measured", "unit", "compared with", "its value", "ratio", "target", "")
# In sections with rates, the CPU time stands beside each rate.
HEAD_WITH_CPU = (*HEAD[:3], "CPU each", *HEAD[3:5], "its CPU each", *HEAD[5:])
NUMBERS = ("measured", "CPU each", "its value", "its CPU each", "ratio")


@dataclass(frozen=True, kw_only=True)
class Target:
    """The target of a ratio: `at_least` or `at_most`."""

    at_least: float | None = None
    at_most: float | None = None

    def met(self, ratio: float) -> bool:
        """Check whether a ratio meets the target."""
        if self.at_least is not None and ratio < self.at_least:
            return False
        return self.at_most is None or ratio <= self.at_most

    def __str__(self) -> str:
        if self.at_least is not None:
            return f"≥ {number(self.at_least)}"
        return f"≤ {number(self.at_most or 0.0)}"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line: a value and, optionally, a value to compare with and a target.

    `cpu` and `other_cpu` are the CPU time for each item that the value counts, in microseconds.
    """

    what: str
    measured: Spread
    unit: str
    beside: str = ""
    other: Spread | None = None
    ratio: Spread | None = None
    target: Target | None = None
    note: str = ""
    cpu: Spread | None = None
    other_cpu: Spread | None = None

    @property
    def verdict(self) -> str:
        """`met`, `missed`, or an empty string without a target."""
        if self.target is None or self.ratio is None:
            return ""
        return "met" if self.target.met(self.ratio.median) else "missed"

    def as_json(self) -> dict[str, Any]:
        """Return the fields for the JSON table."""
        return {
            "what": self.what,
            "unit": self.unit,
            "measured": self.measured.as_json(),
            "beside": self.beside or None,
            "cpu_microseconds": self.cpu.as_json() if self.cpu else None,
            "other": self.other.as_json() if self.other else None,
            "other_cpu_microseconds": self.other_cpu.as_json() if self.other_cpu else None,
            "ratio": self.ratio.as_json() if self.ratio else None,
            "target": str(self.target) if self.target else None,
            "verdict": self.verdict or None,
            "note": self.note or None,
        }

    def as_markdown(self, head: Sequence[str] = HEAD) -> str:
        """Return the line as a row of the Markdown table with this head."""
        cells = {
            "what": self.what,
            "measured": spread(self.measured),
            "unit": self.unit,
            "CPU each": microseconds(self.cpu),
            "compared with": self.beside,
            "its value": spread(self.other),
            "its CPU each": microseconds(self.other_cpu),
            "ratio": spread(self.ratio),
            "target": str(self.target) if self.target else "",
            "": f"**{self.verdict}**" if self.verdict == "missed" else self.verdict,
        }
        return row([cells[name] for name in head])


@dataclass(frozen=True, kw_only=True)
class Section:
    """The results of one row: its lines and the text below them."""

    title: str
    lines: Sequence[Line]
    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Results:
    """The results of a run. `not_quotable` says why nobody should quote them, if so."""

    machine: Mapping[str, str]
    sections: Sequence[Section]
    remarks: Sequence[str] = ()
    not_quotable: Sequence[str] = ()


def number(value: float) -> str:
    """Return a number as text with its significant digits."""
    if value >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


def spread(value: Spread | None) -> str:
    """Return the median, with minimum and maximum in parentheses if they differ."""
    if value is None:
        return ""
    shown = [number(part) for part in (value.median, value.low, value.high)]
    return shown[0] if len(set(shown)) == 1 else f"{shown[0]} ({shown[1]}–{shown[2]})"


def microseconds(value: Spread | None) -> str:
    """Return the median of a CPU time as text."""
    return f"{number(value.median)} µs" if value else ""


def row(cells: Sequence[str]) -> str:
    """Return a row of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def markdown(results: Results) -> str:
    """Return the whole page."""
    parts = ["# Benchmarks"]
    if results.not_quotable:
        parts[0] += " (not quotable)"
        parts.append(f"**Do not quote these figures:** {'; '.join(results.not_quotable)}.")
    parts += results.remarks
    parts.append(
        "\n".join(
            [row(["machine", ""]), row(["---", "---"])]
            + [row([name, value]) for name, value in results.machine.items()]
        )
    )
    for section in results.sections:
        parts.append(f"## {section.title}")
        if section.lines:
            parts.append(_lines(section.lines))
        notes = [f"- {line.what}: {line.note}" for line in section.lines if line.note]
        if notes:
            parts.append("\n".join(dict.fromkeys(notes)))
        if section.text:
            parts.append(section.text)
    return "\n\n".join(parts) + "\n"


def _lines(lines: Sequence[Line]) -> str:
    head = HEAD_WITH_CPU if any(line.cpu for line in lines) else HEAD
    rule = ["---:" if name in NUMBERS else "---" for name in head]
    return "\n".join([row(head), row(rule), *(line.as_markdown(head) for line in lines)])


def missed(sections: Sequence[Section]) -> list[Line]:
    """Return the lines that missed their target."""
    return [line for part in sections for line in part.lines if line.verdict == "missed"]


def write(folder: Path, name: str, results: Results) -> tuple[Path, Path]:
    """Write NAME.md and NAME.json; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    page, data = folder / f"{name}.md", folder / f"{name}.json"
    page.write_text(markdown(results))
    content = {
        "quotable": not results.not_quotable,
        "not_quotable": list(results.not_quotable),
        "machine": dict(results.machine),
        "remarks": list(results.remarks),
        "sections": [
            {
                "title": section.title,
                "lines": [line.as_json() for line in section.lines],
                **section.data,
            }
            for section in results.sections
        ],
    }
    data.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return page, data
