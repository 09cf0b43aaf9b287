"""Every snippet in the pages for uploading developers is run by a test."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
# Which tests run how many blocks of each language.
RUN = {
    "docs/browser.md": {"js": (2, "js_client/test_js_docs.py")},
    "clients/js/README.md": {"js": (1, "js_client/test_js_docs.py")},
    "docs/python.md": {
        "python": (7, "python_client/test_docs.py"),
        "sh": (2, "python_client/test_docs.py"),
    },
    "docs/ads.md": {"python": (1, "http/marketplace/test_ads_page.py")},
    "docs/profiles.md": {
        "python": (1, "js_client/test_profiles_page.py"),
        "js": (1, "js_client/test_profiles_page.py"),
        "toml": (2, "unit/profiles/test_documentation.py"),
        "text": (1, "unit/profiles/test_documentation.py"),
    },
    "docs/cookbook.md": {
        "jsx": (1, "js_client/test_cookbook_components.py"),
        "vue": (1, "js_client/test_cookbook_components.py"),
        "python": (1, "js_client/test_cookbook_plain_form.py"),
        "html": (1, "js_client/test_cookbook_plain_form.py"),
        "sh": (4, "js_client/test_cookbook_shell.py"),
        "bash": (1, "js_client/test_cookbook_shell.py"),
    },
    "docs/integrating.md": {"html": (1, "integrating/test_page.py")},
    "docs/integrating-fastapi.md": {"python": (6, "integrating/test_receivers.py")},
    "docs/integrating-node.md": {"js": (6, "integrating/test_receivers.py")},
    "docs/tokens.md": {
        "python": (1, "http/auth/test_minting.py"),
        "js": (1, "http/auth/test_minting.py"),
        "go": (1, "http/auth/test_minting.py"),
        "json": (1, "unit/test_tokens_page.py"),
        "sh": (1, "unit/test_tokens_page.py"),
    },
}
# How to install the Python client from a repository: the page does not contain its address. A
# request with a body that leaves something out. Commands that start a server on a fixed port. A
# drawing.
NOT_RUN = {
    "docs/python.md": {"text": 1},
    "docs/ads.md": {"http": 1},
    "docs/profiles.md": {"sh": 2},
    "docs/integrating.md": {"sh": 1, "text": 1},
    "docs/integrating-fastapi.md": {"sh": 1},
    "docs/integrating-node.md": {"sh": 1},
}


@pytest.mark.parametrize("page", list(RUN))
def test_every_snippet_of_a_page_is_run(page: str) -> None:
    text = (ROOT / page).read_text()
    found = Counter(re.findall(r"^ *```(.+)\n", text, re.MULTILINE))
    expected = {language: count for language, (count, _) in RUN[page].items()}
    assert found == {**expected, **NOT_RUN.get(page, {})}
    assert len(re.findall(r"^ *```", text, re.MULTILINE)) == 2 * found.total()
    for _, test in RUN[page].values():
        assert (ROOT / "tests" / test).is_file()
