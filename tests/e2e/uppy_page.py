"""A page with the unmodified Uppy from npm and the JavaScript lines of docs/uppy.md."""

import re
import subprocess
from pathlib import Path

from flask import Flask, Response, send_file
from playwright.sync_api import Page

from tests.servers.npm import installed

HERE = Path(__file__).parent / "uppy"
DOCS = Path(__file__).parents[2] / "docs/uppy.md"
SMALL, LARGE = "photo(800, false)", "photo(2800, true)"  # about 0.1 and 16 MiB

# The code of the page: it draws photos, passes them to Uppy, and shows the images.
AROUND = """
%(imports)s
globalThis.start = async ({ broker, adId, tokens }) => {
  globalThis.asked = []
  const token = async ({ refused }) => {
    asked.push(refused)
    return tokens.shift()
  }
%(lines)s
  globalThis.uppy = uppy
}
globalThis.photo = async (width, noise) => {
  const canvas = new OffscreenCanvas(width, width * 3 / 4)
  const context = canvas.getContext('2d')
  const pixels = context.createImageData(canvas.width, canvas.height)
  let seed = 7
  for (let i = 0; i < pixels.data.length; i += 4) {
    seed = (seed * 1103515245 + 12345) %% 2147483648
    const grain = noise ? seed >> 23 : 0
    pixels.data[i] = (i / pixels.data.length) * 200 ^ grain
    pixels.data[i + 1] = 120 ^ grain
    pixels.data[i + 2] = ((i / 4) %% canvas.width) / canvas.width * 255 ^ grain
    pixels.data[i + 3] = 255
  }
  context.putImageData(pixels, 0, 0)
  return await canvas.convertToBlob({ type: 'image/jpeg', quality: 1 })
}
globalThis.show = () => {
  for (const file of globalThis.uppy.getFiles()) {
    const figure = document.body.appendChild(document.createElement('figure'))
    const image = figure.appendChild(new Image(480))
    image.src = file.meta.image.image_url
    const caption = figure.appendChild(document.createElement('figcaption'))
    const mib = (file.size / 2 ** 20).toFixed(1)
    caption.textContent = `${file.name}, ${mib} MiB: ${file.meta.image.image}`
  }
}
"""


def documented_lines(version: str) -> tuple[str, str]:
    """Return the imports and the other lines of the JavaScript in docs/uppy.md."""
    found = re.search(r"```js\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found is not None
    imports, lines = found[1].split("\n\n", 1)
    if version == "v5":
        assert "companionEndpoint: endpoint" in lines
        lines = lines.replace("companionEndpoint: endpoint", "endpoint")
    return imports, lines


def bundle(version: str, directory: Path) -> Path:
    """Install the packages of the lock file once and bundle the script of the page."""
    package = HERE / version
    modules = installed(package)
    imports, lines = documented_lines(version)
    script = directory / f"{version}.js"
    esbuild = modules / ".bin/esbuild"
    source = AROUND % {"imports": imports, "lines": lines}
    subprocess.run(
        [esbuild, "--bundle", "--format=iife", f"--outfile={script}"],
        input=source.encode(),
        cwd=package,
        check=True,
        capture_output=True,
        timeout=60,
    )
    return script


def page_of(script: Path) -> Flask:
    """Create an app with a page that runs the script."""
    app = Flask(__name__)

    @app.get("/")
    def page() -> Response:
        return Response(
            '<!doctype html><meta charset="utf-8"><title>Uppy</title>'
            '<link rel="icon" href="data:,">'
            "<style>figure { display: inline-block; margin: 4px; font: 11px sans-serif }</style>"
            '<script src="/page.js"></script><body><h1>Uppy, unmodified</h1>',
            mimetype="text/html",
        )

    @app.get("/page.js")
    def page_js() -> Response:
        return send_file(script, mimetype="text/javascript")

    return app


def add(page: Page, name: str, photo: str, alt_text: str) -> None:
    """Draw a photo and add it to Uppy's files."""
    page.evaluate(
        f"""async ([name, alt_text]) => {{
            const data = await {photo}
            const id = uppy.addFile({{ name, type: data.type, data }})
            uppy.setFileMeta(id, {{ alt_text }})
        }}""",
        [name, alt_text],
    )
