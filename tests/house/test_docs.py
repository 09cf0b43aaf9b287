"""The docs match the code: every setting, every error code, every migration."""

import re
from pathlib import Path

from broker.api.problems.table import PROBLEMS
from broker.config import PREFIX, Settings
from broker.domain import errors, storage_errors
from broker.domain.rejections import RejectionReason

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
        f"| `{one.code}` | {one.status} | {one.meaning} | {one.advice} |"
        for one in PROBLEMS.values()
    ]
    assert len(told) > 30


def test_every_reason_of_a_rejection_is_explained_and_listed_with_the_errors() -> None:
    reasons = [reason.value for reason in RejectionReason]
    told = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/inspection.md").read_text(), re.MULTILINE)
    assert told == reasons
    sentence = re.search(r"`upload_rejected` also has .*", (ROOT / "docs/errors.md").read_text())
    assert sentence is not None
    assert re.findall(r"`(\w+)`", sentence[0])[2:] == reasons


def test_every_error_that_services_raise_has_a_status() -> None:
    internal = {
        "object_not_found",
        "object_refused",
        "precondition_failed",
        "multipart_not_found",
        "invalid_parts",
        "queue_unavailable",  # raised only by the consumer of notifications
    }
    for error in {**vars(errors), **vars(storage_errors)}.values():
        if isinstance(error, type) and issubclass(error, errors.BrokerError):
            assert error.code in PROBLEMS or error.code in internal, error


def test_every_code_that_the_cookbook_puts_into_words_is_one() -> None:
    page = (ROOT / "docs/cookbook.md").read_text()
    own = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/browser.md").read_text(), re.MULTILINE))
    told = [set(re.findall(r'^\s+"?(\w+)"?: "', words, re.MULTILINE)) for words in _words(page)]
    assert len(told) == 3
    assert all(told)
    assert set.union(*told) <= set(PROBLEMS) | own


def test_nothing_tells_to_install_our_own_packages_from_an_index() -> None:
    # They are not in any registry, so anyone could register the name there.
    named = re.compile(r"pip install [^`\n]*(?<![/\w])upload-broker(?!-client @ git)")
    files = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "broker").rglob("*.py")]
    assert len(files) > 100
    assert [str(path.relative_to(ROOT)) for path in files if named.search(path.read_text())] == []


def test_every_file_of_ours_that_a_page_names_is_there() -> None:
    named = re.compile(
        r"(?<![\w/.-])((?:docs|tests|broker|clients|benchmarks|schemas)/[\w./-]*\w\.[a-z]+)\b"
        r"|(?<![\w/.-])([A-Z]{3,}\.md)\b"
    )
    made = "benchmarks/results/"  # a benchmark run creates this folder
    for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]:
        for path in [one or other for one, other in named.findall(page.read_text())]:
            assert path.startswith(made) or (ROOT / path).exists(), f"{page.name}: {path}"


def _words(page: str) -> list[str]:
    return re.findall(r"^(?:const )?MESSAGES = \{\n(.*?)^\}", page, re.MULTILINE | re.DOTALL)
