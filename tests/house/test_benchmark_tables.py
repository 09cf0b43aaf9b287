"""The benchmarks' tables: targets, CPU beside rates, and whether they may be quoted."""

import json
import os
import platform
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from benchmarks import interpreter, table
from benchmarks.bench import Bench
from benchmarks.conditions import Conditions
from benchmarks.plan import QUICK
from benchmarks.rounds import Sample, Samples, Spread
from benchmarks.rows import lines as lines_of_rows
from benchmarks.rows import profile
from benchmarks.table import Line, Results, Section, Target


def line(ratio: float, target: Target | None) -> Line:
    return Line(
        what="ticket: PostgreSQL",
        measured=Spread(median=812.0, low=790.0, high=830.0),
        unit="/s",
        beside="Companion",
        other=Spread(median=400.0, low=400.0, high=400.0),
        ratio=Spread(median=ratio, low=ratio, high=ratio),
        target=target,
    )


def test_the_table_says_which_targets_are_met(tmp_path: Path) -> None:
    lines = [line(2.03, Target(at_least=2)), line(0.6, Target(at_most=0.5)), line(1, None)]
    sections = [Section(title="A single ticket", lines=lines)]
    results = Results(machine={"CPU": "two cores"}, sections=sections, remarks=["A remark."])
    page, data = table.write(tmp_path, "run", results)
    text = page.read_text()
    assert (
        "| ticket: PostgreSQL | 812 (790–830) | /s | Companion | 400 | 2.03 | ≥ 2.00 | met |"
        in text
    )
    assert "| 0.60 | ≤ 0.50 | **missed** |" in text
    assert "| CPU | two cores |" in text
    assert "A remark." in text
    assert "quot" not in text
    written = json.loads(data.read_text())
    assert written["quotable"] is True
    verdicts = [one["verdict"] for one in written["sections"][0]["lines"]]
    assert verdicts == ["met", "missed", None]
    assert table.missed(sections) == [lines[1]]


def test_cpu_stands_beside_each_rate() -> None:
    samples = Samples()
    for side, rate, cpu in (("broker", 100.0, 0.002), ("peer", 50.0, 0.0007)):
        samples.add(side, Sample(rate=rate, cpu=cpu, p50=0.001, p99=0.002, requests=10))
    lines = [
        lines_of_rows.rate(samples, "batch of 20", "broker", "peer", factor=20),
        *lines_of_rows.alone(samples, "confirm", ["broker"]),
    ]
    assert all(one.cpu for one in lines)
    text = table.markdown(Results(machine={}, sections=[Section(title="Rates", lines=lines)]))
    assert "| unit | CPU each | compared with | its value | its CPU each | ratio |" in text
    assert "| 2 000 | /s | 100 µs | peer | 50.0 | 700 µs | 40.0 |" in text
    assert "| confirm: broker | 100 | /s | 2 000 µs |" in text


@pytest.mark.parametrize(("rate", "verdict"), [(89.0, "missed"), (91.0, "met")])
def test_a_large_table_is_compared_with_the_smallest_one(rate: float, verdict: str) -> None:
    plan = replace(QUICK, kinds=("PostgreSQL",), sizes=(1_000, 10_000_000))
    samples = Samples()
    for uploads, found in ((1_000, 100.0), (10_000_000, rate)):
        side = lines_of_rows.side_name("PostgreSQL", uploads)
        sample = Sample(rate=found, cpu=0.001, p50=0.001, p99=0.002, requests=10)
        samples.add(side, replace(sample, database_cpu=0.0004 if uploads == 1_000 else 0.0005))
    (found_line,) = lines_of_rows.sizes(cast(Bench, SimpleNamespace(plan=plan)), samples, "t", "/s")
    assert found_line.what == "t: PostgreSQL, 10 000 000 uploads"
    assert (str(found_line.target), found_line.verdict) == ("≥ 0.90", verdict)
    assert found_line.note == "the database server's CPU: 500 µs a request, beside 400 µs"


@pytest.mark.parametrize(
    ("conditions", "reasons"),
    [
        (Conditions(load=(0.5, 3, 3), has_pgo=True, quick=False), []),
        (Conditions(load=(0.51, 0, 0), has_pgo=True, quick=False), ["above 0.5"]),
        (Conditions(load=(0, 0, 0), has_pgo=False, quick=False), ["without PGO"]),
        (Conditions(load=(0, 0, 0), has_pgo=True, quick=True), ["quick run"]),
    ],
)
def test_a_table_says_if_it_must_not_be_quoted(
    tmp_path: Path, conditions: Conditions, reasons: list[str]
) -> None:
    found = conditions.not_quotable()
    assert len(found) == len(reasons)
    assert all(reason in one for reason, one in zip(reasons, found, strict=True))
    results = Results(machine={}, sections=[], not_quotable=found)
    page, data = table.write(tmp_path, "run", results)
    assert ("# Benchmarks (not quotable)" in page.read_text()) is bool(reasons)
    assert all(reason in page.read_text() for reason in reasons)
    assert json.loads(data.read_text())["quotable"] is not bool(reasons)


@pytest.mark.parametrize(
    ("configured", "package", "pgo"),
    [
        ("'--enable-shared' '--enable-optimizations'", "", True),
        ("'--enable-shared'", "python3.11-minimal", True),
        ("'--enable-shared'", "", False),
    ],
)
def test_the_interpreter_and_its_pgo_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, configured: str, package: str, pgo: bool
) -> None:
    dpkg = tmp_path / "dpkg-query"
    dpkg.write_text(f'#!/bin/sh\ntest -n "{package}" && echo "{package}: $2"\n')
    dpkg.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr("sysconfig.get_config_var", lambda _name: configured)
    assert interpreter.has_pgo() is pgo
    described = interpreter.describe()
    assert f"CPython {platform.python_version()}" in described
    assert ("built with PGO" in described) is pgo
    assert package in described


def test_a_missed_target_gets_the_profile_that_shows_why() -> None:
    assert profile.cases_for(["inspection", "reading"]) == ["reading"]
    assert profile.cases_for(["photo"]) == ["ticket", "confirm"]
