"""One place for each fact: kinds of owners, transports, and where a transaction ends."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.domain.limits import Limits
from broker.domain.transports import TRANSPORTS, transport_named

ROOT = Path(__file__).parent.parent.parent
SOURCES = [
    path
    for folder in ("broker", "schemas")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "migrations" not in path.parts
]
PROFILES = Limits().profiles
NAMES = {name for profile in PROFILES for name in (profile.owner_kind, profile.name)}
KINDS = NAMES | {name.upper() for name in NAMES}
NAMES_OF_TRANSPORTS = {name.upper() for name in TRANSPORTS} | set(TRANSPORTS)


def compared(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each operand that is compared or matched."""
    for node in ast.walk(tree):
        operands: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            operands = [node.value]
        for operand in operands:
            for part in operand.elts if isinstance(operand, ast.Tuple | ast.Set) else [operand]:
                if isinstance(part, ast.Name) and part.id.isupper():
                    yield node.lineno, part.id
                elif isinstance(part, ast.Attribute):
                    # `AD.name` names the kind, `row.owner_kind` and `Role.USER` do not.
                    if isinstance(part.value, ast.Name) and part.attr == "name":
                        yield node.lineno, part.value.id
                elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield node.lineno, part.value


def comparisons(names: set[str], *, but: set[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line}"
        for path in SOURCES
        if str(path.relative_to(ROOT)) not in but
        for line, name in compared(ast.parse(path.read_text()))
        if name in names
    ]


def test_no_code_compares_a_particular_transport() -> None:
    # An HTTP method has the same name as a transport.
    methods = {
        "broker/api/middleware/request_metrics.py",
        "broker/storage/signed_urls.py",
    }
    assert comparisons(NAMES_OF_TRANSPORTS, but=methods) == []


def test_only_the_rooms_of_ads_and_users_name_their_own_kind_in_a_query() -> None:
    """`Image.owner_kind == AD` in the ads' own service is a query, not a decision."""
    own = {f"broker/services/marketplace/{name}.py" for name in ("ads", "images", "users")}
    # There a role has the same name as a kind, and a command has an option `--ad`.
    other_words = {
        "broker/cli/token.py",
        "broker/cli/upload/__init__.py",
    }
    assert comparisons(KINDS, but=own | other_words) == []


def test_an_unknown_kind_and_an_unknown_transport_raise() -> None:
    with pytest.raises(LookupError):
        PROFILES.of_kind("product")
    with pytest.raises(LookupError):
        transport_named("carrier_pigeon")


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def ends_transaction(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("commit", "rollback")
        for node in ast.walk(function)
    )


def test_only_a_service_that_takes_work_ends_a_transaction() -> None:
    found = []
    for path in sorted((ROOT / "broker/services").rglob("*.py")):
        for function in functions(ast.parse(path.read_text())):
            names = {argument.arg for argument in function.args.args}
            if ends_transaction(function) and "work" not in names:
                found.append(f"{path.relative_to(ROOT)}: {function.name}")
    assert found == []


def test_the_api_and_the_commands_end_no_transaction() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {function.name}"
        for folder in ("api", "cli", "doctor")
        for path in sorted((ROOT / "broker" / folder).rglob("*.py"))
        for function in functions(ast.parse(path.read_text()))
        if ends_transaction(function)
    ]
    assert found == []


def test_only_one_module_of_services_changes_the_rows_of_uploads() -> None:
    """`update(Upload)` stands in `uploads/state.py` alone, which has the compare-and-set."""
    found = {
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "broker/services").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "update"
        and any(isinstance(one, ast.Name) and one.id == "Upload" for one in node.args)
    }
    assert found == {"broker/services/uploads/state.py"}


def test_only_one_function_of_services_deletes_images() -> None:
    """Only `uploads/images.py` deletes them; `adopt` takes back its own inserts."""
    found = {
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "broker/services").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "delete"
        and any(isinstance(one, ast.Name) and one.id == "Image" for one in node.args)
    }
    assert found == {
        "broker/services/uploads/images.py",
        "broker/services/adopt/insert_images.py",
    }


def test_only_two_modules_of_the_api_work_with_all_rights() -> None:
    """A bucket notification has proved its secret, and `/metrics` counts the outbox."""
    found = {
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "broker/api").rglob("*.py"))
        if "system_work" in path.read_text() or "SYSTEM" in path.read_text()
    }
    assert found == {
        "broker/api/routes/bucket_notifications.py",
        "broker/api/routes/metrics.py",
    }
