"""The table of results: its lines, and the files that contain it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.rounds import Spread

HEAD = "| what | measured | unit | compared with | its value | ratio | target | |"
RULE = "| --- | ---: | --- | --- | ---: | ---: | --- | --- |"


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
    """One line: a value and, optionally, a value to compare with and a target."""

    what: str
    measured: Spread
    unit: str
    beside: str = ""
    other: Spread | None = None
    ratio: Spread | None = None
    target: Target | None = None
    note: str = ""

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
            "other": self.other.as_json() if self.other else None,
            "ratio": self.ratio.as_json() if self.ratio else None,
            "target": str(self.target) if self.target else None,
            "verdict": self.verdict or None,
            "note": self.note or None,
        }

    def as_markdown(self) -> str:
        """Return the line as a row of the Markdown table."""
        cells = [
            self.what,
            spread(self.measured),
            self.unit,
            self.beside,
            spread(self.other),
            spread(self.ratio),
            str(self.target) if self.target else "",
            f"**{self.verdict}**" if self.verdict == "missed" else self.verdict,
        ]
        return "| " + " | ".join(cells) + " |"


@dataclass(frozen=True, kw_only=True)
class Section:
    """The results of one row: its lines and the text below them."""

    title: str
    lines: Sequence[Line]
    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)


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


def markdown(machine: dict[str, str], sections: Sequence[Section], remarks: Sequence[str]) -> str:
    """Return the whole page."""
    parts = ["# Benchmarks", *remarks]
    parts.append(
        "\n".join(
            ["| machine | |", "| --- | --- |"]
            + [f"| {name} | {value} |" for name, value in machine.items()]
        )
    )
    for section in sections:
        parts.append(f"## {section.title}")
        if section.lines:
            parts.append("\n".join([HEAD, RULE, *(line.as_markdown() for line in section.lines)]))
        notes = [f"- {line.what}: {line.note}" for line in section.lines if line.note]
        if notes:
            parts.append("\n".join(notes))
        if section.text:
            parts.append(section.text)
    return "\n\n".join(parts) + "\n"


def missed(sections: Sequence[Section]) -> list[Line]:
    """Return the lines that missed their target."""
    return [line for part in sections for line in part.lines if line.verdict == "missed"]


def write(
    folder: Path,
    name: str,
    machine: dict[str, str],
    sections: Sequence[Section],
    remarks: Sequence[str],
) -> tuple[Path, Path]:
    """Write NAME.md and NAME.json; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    page, data = folder / f"{name}.md", folder / f"{name}.json"
    page.write_text(markdown(machine, sections, remarks))
    content = {
        "machine": machine,
        "remarks": list(remarks),
        "sections": [
            {
                "title": section.title,
                "lines": [line.as_json() for line in section.lines],
                **section.data,
            }
            for section in sections
        ],
    }
    data.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return page, data
