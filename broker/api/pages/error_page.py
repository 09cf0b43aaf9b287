"""The page at `/docs/errors`, which the `type` of every problem links to."""

import re
from html import escape

from flask import Blueprint, Response

from broker.api.problems.table import PROBLEMS

blueprint = Blueprint("error_page", __name__)
POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Errors of the upload broker</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/web/errors.css">
</head>
<body>
<h1>Errors</h1>
<p>Every error is <code>application/problem+json</code> (RFC 9457).
Programs should check <code>code</code>.</p>
{sections}
</body>
</html>
"""
_SECTION = """<section id="{code}">
<h2><code>{code}</code> {status} {title}</h2>
<p>{meaning}.</p>
<p>What to do: {advice}.</p>
</section>"""


@blueprint.get("/docs/errors")
def errors() -> Response:
    """Return the page that explains every problem code. Each code is an anchor."""
    sections = [
        _SECTION.format(
            code=one.code,
            status=one.status,
            title=escape(one.title),
            meaning=_html(one.meaning),
            advice=_html(one.advice),
        )
        for one in PROBLEMS.values()
    ]
    answer = Response(_PAGE.format(sections="\n".join(sections)), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


def _html(text: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text, quote=False))
