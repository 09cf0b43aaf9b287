"""Hold back a part of a multipart upload between a browser and the bucket."""

import re

from playwright.sync_api import Page


def hold_back_a_part(page: Page) -> None:
    """Block part 3, so that the upload does not end."""
    page.route(re.compile(r"[?&]partNumber=3(&|$)"), lambda route: None)
