"""The measured tables of docs/s3-servers.md are as `python -m tests.servers.report` writes them."""

from broker.domain.s3_servers import S3_SERVERS
from tests.servers import page


def test_the_measured_tables_have_the_generated_form_and_no_unknown_answer() -> None:
    text = page.PAGE.read_text()
    tables = page.read(text)
    assert page.write(text, tables) == text
    cells = [cell for cases in tables.values() for row in cases.values() for cell in row.values()]
    assert page.UNKNOWN not in cells


def test_the_page_measures_each_row_that_says_so() -> None:
    assert set(page.MEASURED) == {name for name, row in S3_SERVERS.items() if row.measured}
