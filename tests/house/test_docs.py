"""The docs say what the code does: every setting, every error code, every migration."""

import re
from pathlib import Path

from broker.api.explanations import EXPLANATIONS
from broker.api.problems import PROBLEMS
from broker.config import PREFIX, Settings
from broker.domain import errors

ROOT = Path(__file__).parent.parent.parent


def test_every_setting_is_in_its_page_with_its_description() -> None:
    page = (ROOT / "docs/settings.md").read_text()
    for name, field in Settings.model_fields.items():
        assert f"| `{PREFIX}{name.upper()}` |" in page, name
        assert str(field.description) in page, name


def test_every_error_code_is_in_its_page_as_the_api_explains_it() -> None:
    page = (ROOT / "docs/errors.md").read_text()
    told = re.findall(r"^\| `.*\|$", page, re.MULTILINE)
    assert told == [
        f"| `{code}` | {PROBLEMS[code][0].value} | {meaning} | {advice} |"
        for code, (meaning, advice) in EXPLANATIONS.items()
    ]
    assert set(EXPLANATIONS) == set(PROBLEMS)


def test_every_error_that_services_raise_has_a_status() -> None:
    internal = {
        "object_not_found",
        "precondition_failed",
        "multipart_not_found",
        "invalid_parts",
        "queue_unavailable",  # the consumer of events meets it, never a request
    }
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, errors.BrokerError):
            assert error.code in PROBLEMS or error.code in internal, error
