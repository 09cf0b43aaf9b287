"""The OpenAPI document is valid for other tools and has everything that a client needs."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from broker.api.openapi import document as openapi
from broker.api.problems.handlers import MEDIA_TYPE
from broker.api.problems.table import PROBLEMS
from broker.app import create_app
from broker.config import Settings
from tests.http.documented import document

Operation = dict[str, Any]
# No operation documents these: unknown methods, and requests refused before any view.
OF_NO_OPERATION = {"method_not_allowed", "bad_request", "draining"}


def operations() -> Iterator[tuple[str, Operation]]:
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield f"{method} {path}", operation


def messages(operation: Operation) -> Iterator[dict[str, Any]]:
    """Yield the schema and the examples of each request and response body."""
    for message in [operation.get("requestBody", {}), *operation["responses"].values()]:
        yield from message.get("content", {}).values()


def resolved(found: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in found:
        kind, name = found["$ref"].split("/")[2:]
        found = document()["components"][kind][name]
    return found


def codes_of(operation: Operation, status: str) -> list[str]:
    """Return the codes that the schema of one status allows."""
    schema = operation["responses"][status]["content"][MEDIA_TYPE]["schema"]
    one_of = schema.get("oneOf", [schema])
    return [resolved(one)["properties"]["code"]["const"] for one in one_of]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_document_is_made_once_and_only_when_somebody_asks() -> None:
    openapi.document.cache_clear()
    settings = Settings(database_url="sqlite://", s3_bucket="media-bucket", jwt_secret="x" * 32)
    apps = [create_app(settings), create_app(settings)]
    assert openapi.document.cache_info().misses == 0
    answers = [app.test_client().get("/openapi.json") for app in [*apps, *apps]]
    assert [answer.get_json() == document() for answer in answers] == [True] * 4
    assert openapi.document.cache_info().misses == 1
    for app in apps:
        app.extensions["broker"].database.dispose()


def test_the_document_is_valid_openapi_31() -> None:
    assert document()["openapi"].startswith("3.1")
    validate(document())
    assert "/api/ads/{ad_id}/upload_image/" in document()["paths"]


def test_every_operation_has_a_name_of_its_own() -> None:
    names = Counter(operation["operationId"] for _, operation in operations())
    assert len(names) > 25
    assert set(names.values()) == {1}


def test_every_tag_is_described_and_every_one_described_is_used() -> None:
    used = {tag for _, operation in operations() for tag in operation["tags"]}
    assert {tag["name"] for tag in document()["tags"]} == used
    assert all(len(tag["description"]) > 20 for tag in document()["tags"])


def test_an_operation_has_a_summary_of_one_line_and_says_whom_it_lets_in() -> None:
    for name, operation in operations():
        assert operation["summary"].strip(), name
        assert "\n" not in operation["summary"], name
        assert "security" in operation, name


def test_every_body_has_examples_that_are_valid_against_its_schema() -> None:
    components = document()["components"]
    for operation_name, operation in operations():
        for message in messages(operation):
            validator = Draft202012Validator({**message["schema"], "components": components})
            assert message["examples"], operation_name
            for name, example in message["examples"].items():
                errors = list(validator.iter_errors(resolved(example)["value"]))
                assert errors == [], f"{operation_name} {name}"


def test_every_parameter_that_must_be_there_has_an_example_that_is_valid() -> None:
    parts = [
        *(part for item in document()["paths"].values() for part in item.get("parameters", [])),
        *(part for _, operation in operations() for part in operation.get("parameters", [])),
    ]
    required = [part for part in parts if part["required"]]
    assert len(required) > 20
    for part in required:
        validator = Draft202012Validator(part["schema"])
        assert validator.is_valid(part["example"]), part["name"]


def test_every_problem_is_in_the_description_the_schema_and_the_examples_of_its_status() -> None:
    for name, operation in operations():
        failures = [status for status in operation["responses"] if status >= "400"]
        assert {"500", "503"} <= set(failures), name
        for status in failures:
            codes = codes_of(operation, status)
            response = operation["responses"][status]
            assert {PROBLEMS[code].status for code in codes} == {int(status)}, name
            assert list(response["content"][MEDIA_TYPE]["examples"]) == codes, name
            assert all(f"`{code}`" in response["description"] for code in codes), name


def test_every_problem_code_is_one_of_some_operation() -> None:
    told = {
        code
        for _, operation in operations()
        for status in operation["responses"]
        if status >= "400"
        for code in codes_of(operation, status)
    }
    assert set(PROBLEMS) - told == OF_NO_OPERATION


def test_every_component_is_referred_to() -> None:
    used = set(references(document()))
    of_no_operation = {"/schemas/Problem"} | {f"/examples/{code}" for code in OF_NO_OPERATION}
    for kind in ("schemas", "headers", "responses", "examples"):
        for name in document()["components"].get(kind, {}):
            known = f"#/components/{kind}/{name}" in used
            assert known or f"/{kind}/{name}" in of_no_operation, name


def test_every_post_that_answers_201_takes_an_idempotency_key() -> None:
    creations = {
        name: [parameter["name"] for parameter in operation.get("parameters", [])]
        for name, operation in operations()
        if "201" in operation["responses"] and name.startswith("post ")
    }
    assert len(creations) == 9
    for name, parameters in creations.items():
        assert "Idempotency-Key" in parameters, name


# No answer contains their path parameter: the capability is a part of the URL of an Uppy endpoint.
BY_ITS_ENDPOINT = {"get_upload_parameters", "create_multipart_upload", "confirm_by_key"}
# The token names the owners.
BY_ITS_TOKEN = {"create_upload"}


def by_id() -> dict[str, tuple[str, Operation]]:
    found = {operation["operationId"]: (name, operation) for name, operation in operations()}
    assert len(found) > 25
    return found


def parameters_of(operation_id: str) -> dict[str, dict[str, Any]]:
    """Return the required parameters of the path and of the operation."""
    name, operation = by_id()[operation_id]
    path = document()["paths"][name.partition(" ")[2]]
    parts = [*path.get("parameters", []), *operation.get("parameters", [])]
    return {part["name"]: part for part in parts if part["required"]}


def links() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for source, (_, operation) in by_id().items():
        for response in operation["responses"].values():
            for link in response.get("links", {}).values():
                yield source, response, link


def at(body: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        body = body[int(step)] if isinstance(body, list) else body[step]
    return body


def test_a_link_fills_in_all_that_its_target_must_be_told_besides_what_it_chooses() -> None:
    assert len(list(links())) > 50
    for source, _, link in links():
        wanted = set(parameters_of(link["operationId"])) - {"part_number", "partNumbers"}
        assert set(link["parameters"]) == wanted, f"{source} to {link['operationId']}"


def test_what_a_link_names_is_in_the_examples_of_the_answer_and_valid_where_it_leads() -> None:
    for source, response, link in links():
        (content,) = response["content"].values()
        bodies = [example["value"] for example in content["examples"].values()]
        for name, expression in link["parameters"].items():
            place, _, pointer = expression.partition("#")
            if place == "$response.body":
                values = [at(body, pointer) for body in bodies]
            else:
                values = [parameters_of(source)[place.removeprefix("$request.path.")]["example"]]
            validator = Draft202012Validator(parameters_of(link["operationId"])[name]["schema"])
            for value in values:
                assert validator.is_valid(value), f"{source} to {link['operationId']}: {name}"


def test_every_operation_on_what_there_is_can_be_reached_by_links() -> None:
    reached = {link["operationId"] for _, _, link in links()}
    about_something = {one for one, (name, _) in by_id().items() if "{" in name}
    assert about_something - reached == BY_ITS_ENDPOINT | BY_ITS_TOKEN
