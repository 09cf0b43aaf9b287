"""Pages around the components of docs/cookbook.md, bundled with the real React and Vue from npm."""

import re
import subprocess
from pathlib import Path

from tests.servers.npm import installed

PACKAGE = Path(__file__).parent / "cookbook"
PAGE = (Path(__file__).parents[2] / "docs/cookbook.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The page's own code: it mounts the component and shows its images. These are development builds,
# which report problems on the console.
REACT = """
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { AddPhotos } from "./AddPhotos.jsx";
globalThis.images = [];
const onImage = (image) => images.push(image);
globalThis.mount = (props) => {
  const root = createRoot(document.body.appendChild(document.createElement("main")));
  root.render(<StrictMode><AddPhotos {...props} onImage={onImage} /></StrictMode>);
};
"""
VUE = """
import { createApp } from "vue";
import AddPhotos from "./AddPhotos.js";
globalThis.images = [];
const onImage = (image) => images.push(image);
globalThis.mount = (props) => {
  const app = createApp(AddPhotos, { ...props, onImage });
  app.mount(document.body.appendChild(document.createElement("main")));
};
"""
DEFINED = [
    '--define:process.env.NODE_ENV="development"',
    "--define:__VUE_OPTIONS_API__=false",
    "--define:__VUE_PROD_DEVTOOLS__=false",
    "--define:__VUE_PROD_HYDRATION_MISMATCH_DETAILS__=false",
]


def blocks(language: str) -> list[str]:
    """Return the page's code blocks in one language."""
    return [text for name, text in BLOCK.findall(PAGE) if name == language]


def bundle(framework: str, directory: Path) -> str:
    """Bundle the page of one framework and return the script.

    Raises:
        ServerNotInstalled: npm is missing.
    """
    modules = installed(PACKAGE)
    if framework == "react":
        (component,) = blocks("jsx")
        (directory / "AddPhotos.jsx").write_text(component)
        (directory / "page.jsx").write_text(REACT)
        page = directory / "page.jsx"
    else:
        (component,) = blocks("vue")
        compiled = _run("node", "vue.js", given=component)
        (directory / "AddPhotos.js").write_text(compiled)
        (directory / "page.js").write_text(VUE)
        page = directory / "page.js"
    (directory / "node_modules").symlink_to(modules)
    return _run(
        modules / ".bin/esbuild", page, "--bundle", "--format=esm", "--jsx=automatic", *DEFINED
    )


def _run(*command: str | Path, given: str = "") -> str:
    done = subprocess.run(
        command, cwd=PACKAGE, input=given, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
