"""Each case of the table gets its answer, and a refused request changes no row of any table.

`pytest -s` prints the table.
"""

import sys

from flask import Flask

from tests.http.client import Client, declared
from tests.http.first import FIRST_DATABASE
from tests.http.owners.grant_cases import (
    ADA,
    BEN,
    file_cases,
    path_cases,
    table_cases,
    ticket_cases,
    upload_cases,
    uploads,
)
from tests.http.owners.granted import caller, entry, everything


@FIRST_DATABASE
def test_several_uploads_are_read_without_those_that_no_grant_names(app: Flask) -> None:
    ada = caller(app, ADA, entry("42"), entry("43"))
    ids = [ada.post(uploads(owner), declared()).get_json()["id"] for owner in ("42", "43")]
    for entries, seen in (
        ([entry("42"), entry("43")], ids),
        ([entry("43"), entry("42", "read")], ids[1:]),
        ([entry("42", profile="gallery")], []),
        ([], []),
    ):
        answer = caller(app, ADA, *entries).get(f"/api/uploads/?ids={','.join(ids)}")
        assert [one["id"] for one in answer.get_json()["uploads"]] == seen


@FIRST_DATABASE
def test_each_case_gets_its_answer_and_a_refused_one_changes_nothing(
    app: Flask, alice: Client, bob: Client, anyone: Client
) -> None:
    for client in (
        alice,
        bob,
        caller(app, ADA),
        caller(app, BEN),
        caller(app, "backend", role="service"),
    ):
        client.get("/api/users/me/")
    table, wrong, changed = [], [], []
    groups = [
        ticket_cases(app),
        path_cases(app),
        table_cases(app, alice, bob),
        upload_cases(app, anyone),
        file_cases(app, anyone),
    ]
    for cases in groups:
        # The first case is made together with what its group needs.
        before = None
        for case in cases:
            before = before or everything(app)
            got = case.answer()
            if got != (case.status, case.code):
                wrong.append((case.name, got, (case.status, case.code)))
            after = everything(app)
            if case.status >= 400 and after != before:
                changed.append(case.name)
            before = after
            table.append((case.name, f"{case.method} {case.path}", f"{got[0]} {got[1]}".strip()))
    lines = ["", "| token | request | answer |", "| --- | --- | --- |"]
    lines += ["| " + " | ".join(row).replace("\n", " ") + " |" for row in table]
    sys.stdout.write("\n".join(lines) + "\n")
    assert (wrong, changed) == ([], [])
    assert len(table) > 100
    assert len({(name, where) for name, where, _ in table}) == len(table)
