"""The CSV of `broker adopt`: every error is reported with its line before anything is stored."""

from pathlib import Path

import pytest

from broker.domain.adoption import Claim
from broker.domain.errors import InvalidReport
from broker.domain.limits import Limits
from broker.services.adopt.csv_claims import claims_of_csv

HEADER = "key,alt_text,order\n"


def read(path: Path, text: str) -> list[Claim]:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with claims_of_csv(path, Limits()) as claims:
        return list(claims)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1: the header"),
        ("key,order,alt_text\n", "line 1: the header"),
        (HEADER + "ads/ad_1/a.jpg,x\n", "line 2: 2 columns"),
        (HEADER + "\n", "line 2: 0 columns"),
        (HEADER + "logo.png,,1\n", "line 2: key"),
        (HEADER + "ads/ad_0/a.jpg,,1\n", "line 2: key"),
        (HEADER + f"ads/ad_1/{'a' * 255},,1\n", "line 2: key"),
        (HEADER + "ads/ad_1/a\x07,,1\n", "line 2: key"),
        (HEADER + "ads/ad_1/a.jpg,,-1\n", "line 2: order"),
        (HEADER + "ads/ad_1/a.jpg,,32768\n", "line 2: order"),
        (HEADER + "ads/ad_1/a.jpg,,1.0\n", "line 2: order"),
        (HEADER + "ads/ad_1/a.jpg,,²\n", "line 2: order"),
        (HEADER + f"ads/ad_1/a.jpg,{'x' * 501},1\n", "line 2: alt_text"),
        (
            HEADER + "ads/ad_1/a,,1\nmedia/ads/ad_1/a,,2\n",
            "line 3: its key is also on line 2",
        ),
        (HEADER + 'ads/ad_1/a.jpg,"x,1\n', "cannot be read"),
        (HEADER + "ads/ad_1/a.jpg,\udcff,1\n", "cannot be read"),
    ],
)
def test_an_error_is_reported_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(InvalidReport) as caught:
        read(tmp_path / "images.csv", text)
    assert fault in str(caught.value)


def test_only_the_first_errors_are_reported(tmp_path: Path) -> None:
    with pytest.raises(InvalidReport) as caught:
        read(tmp_path / "images.csv", HEADER + "x,,\n" * 1000)
    assert len(str(caught.value).splitlines()) == 12


def test_a_missing_file_is_reported_in_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidReport, match="No such file"),
        claims_of_csv(tmp_path / "none.csv", Limits()),
    ):
        pass


def test_report_19_a_line_break_in_an_alt_text_becomes_a_space(tmp_path: Path) -> None:
    text = HEADER + 'ads/ad_1/a.jpg,"two\r\nlines\x07",1\n'
    (claim,) = read(tmp_path / "images.csv", text)
    assert claim.alt_text == "two lines"


def test_claims_are_sorted_by_owner(tmp_path: Path) -> None:
    text = HEADER + "avatars/user_1/b.jpg,,1\nads/ad_2/a.jpg,x,\navatars/user_1/a.jpg,,0\n"
    assert read(tmp_path / "images.csv", text) == [
        Claim(key="ads/ad_2/a.jpg", alt_text="x", order=0),
        Claim(key="avatars/user_1/a.jpg", order=0),
        Claim(key="avatars/user_1/b.jpg", order=1),
    ]
