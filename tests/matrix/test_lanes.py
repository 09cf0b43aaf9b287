"""The runner of `make matrix`, with Makefiles of a few lines."""

import asyncio
from pathlib import Path

import pytest

from tests.matrix.lanes import Runner
from tests.matrix.outcome import Outcome, table
from tests.processes import await_true, is_running

# Waits until another part has begun as well, for ten seconds at most.
MEET = (
    "touch $@.begun; for i in `seq 200`; do test -e {other}.begun && exit; sleep 0.05; done; false"
)


@pytest.fixture
def ended() -> list[str]:
    return []


@pytest.fixture
def runner(tmp_path: Path, ended: list[str]) -> Runner:
    return Runner(
        root=tmp_path,
        logs=tmp_path,
        ended=lambda outcome: ended.append(outcome.part),
    )


def makefile(runner: Runner, **recipes: str) -> None:
    rules = [f"{name}:\n\t@{recipe}\n" for name, recipe in recipes.items()]
    (runner.root / "Makefile").write_text("".join(rules))


def test_two_parts_run_at_the_same_time(runner: Runner) -> None:
    makefile(runner, one=MEET.format(other="two"), two=MEET.format(other="one"))
    outcomes = asyncio.run(runner.run_together(["one", "two"], {}))
    assert [outcome.status for outcome in outcomes] == [0, 0]


def test_a_part_that_must_be_alone_ends_before_the_next_begins(
    runner: Runner, ended: list[str]
) -> None:
    makefile(
        runner,
        soak="test ! -e one.begun && touch soak.ended",
        one="touch one.begun; test -e soak.ended",
    )
    outcomes = asyncio.run(runner.run_alone(["soak", "one"]))
    assert [outcome.status for outcome in outcomes] == [0, 0]
    assert ended == ["soak", "one"]


def test_a_nice_part_has_the_lowest_priority(runner: Runner) -> None:
    makefile(runner, idle="nice")
    [outcome] = asyncio.run(runner.run_alone(["idle"], nice=True))
    assert outcome.output == "19\n"


def test_a_failure_stops_no_other_part_and_is_counted(runner: Runner) -> None:
    makefile(runner, bad="echo why; false", good="true", late="true")
    outcomes = asyncio.run(runner.run_together(["bad", "good", "late"], {}))
    report = table(outcomes, 12.3)
    assert {o.part for o in outcomes if o.status} == {"bad"}
    assert "why" in next(o.output for o in outcomes if o.part == "bad")
    assert report.endswith("3 parts in 12 s, 1 failed\n")


def test_a_part_gets_its_variables_and_one_process(runner: Runner) -> None:
    makefile(runner, shows='echo "$(TESTS) $$PYTEST_ADDOPTS"')
    given = {"shows": "TESTS=tests/a.py tests/b.py", "other": "TESTS=tests/c.py"}
    [outcome] = asyncio.run(runner.run_together(["shows"], given))
    assert outcome.output == "tests/a.py tests/b.py -n 0\n"


def test_when_the_run_is_stopped_no_process_of_a_part_is_left(runner: Runner) -> None:
    makefile(runner, waits="echo $$$$ >child.part; mv child.part child; sleep 300; true")
    child = runner.root / "child"

    async def stop_as_soon_as_it_runs() -> None:
        running = asyncio.ensure_future(runner.run_together(["waits"], {}))
        await asyncio.to_thread(await_true, child.exists)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(stop_as_soon_as_it_runs())
    assert not is_running(int(child.read_text()))


def test_the_report_has_the_counts_of_pytest(tmp_path: Path) -> None:
    log = tmp_path / "kill.log"
    log.write_text("...\n======== 3 passed, 1 skipped in 4.21s (0:00:04) ========\n")
    assert (
        Outcome("kill", 5.04, 0, log).line == "kill             5.0 s  passed: 3 passed, 1 skipped"
    )
