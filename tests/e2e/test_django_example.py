"""`examples/django`: its own tests, its size, and what it needs."""

import configparser
import os
import subprocess

from tests.e2e.shop import FOLDER, MANAGE, new_webhook_secret

LINES_MAX = 300


def test_the_tests_of_the_project_succeed() -> None:
    environment = {
        "PATH": os.defpath,
        "PYTHONDONTWRITEBYTECODE": "1",
        "DJANGO_SECRET_KEY": "x",
        "BROKER_JWT_SECRET": "x" * 32,
        "BROKER_WEBHOOK_SECRET": new_webhook_secret(),
    }
    done = subprocess.run(
        [*MANAGE, "test"], cwd=FOLDER, env=environment, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert "\nOK\n" in done.stderr


def test_it_has_less_than_300_lines_without_migrations_and_tests() -> None:
    files = [*FOLDER.rglob("*.py"), *FOLDER.rglob("*.html")]
    skipped = {"migrations", "tests", ".venv"}
    own = [path for path in files if not skipped & {*path.relative_to(FOLDER).parts}]
    assert len(own) == 9
    assert sum(path.read_text().count("\n") for path in own) < LINES_MAX


def test_its_requirements_are_those_that_the_tests_have_installed() -> None:
    setup = configparser.ConfigParser()
    setup.read(FOLDER.parent.parent / "setup.cfg")
    ours = setup["options.extras_require"]["dev"].split("\n")
    needed = (FOLDER / "requirements.txt").read_text().splitlines()
    assert len(needed) == 5
    assert set(needed) <= set(ours)
