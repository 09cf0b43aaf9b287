"""The programs of docs/integrating-*.md, written into a folder as a developer pastes them."""

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright._impl._driver import compute_driver_executable

from tests.servers import installed_or_skip
from tests.servers.npm import installed

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
# Playwright brings a Node that has SQLite. The machine's own may be older.
NODE = compute_driver_executable()[0]


def blocks(page: str, language: str) -> list[str]:
    """Return the blocks of a page in one language."""
    text = (DOCS / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Programs:
    """The programs of a page, in the order of the page, and the commands that run them."""

    page: str
    fence: str
    files: tuple[str, ...]
    serve: Callable[[int], list[str]]
    interpreter: str

    def __str__(self) -> str:
        return self.page

    def command(self, name: str) -> list[str]:
        """Return the command that runs a program, such as `feed`."""
        return [self.interpreter, self._file(name)]

    def text(self, name: str) -> str:
        """Return the text of a program, such as `photos`."""
        return blocks(self.page, self.fence)[self.files.index(self._file(name))]

    def write(self, folder: Path) -> None:
        """Write the programs, and what the page says to put next to them."""
        for name, text in zip(self.files, blocks(self.page, self.fence), strict=True):
            (folder / name).write_text(text)
        (folder / "static").mkdir()
        (tokens,) = blocks("tokens.md", self.fence)
        without_last_line = tokens.rstrip().rpartition("\n")[0]
        if self.fence == "python":
            (folder / "tokens.py").write_text(without_last_line)
            return
        (folder / "tokens.js").write_text(f"{without_last_line}\nexport {{ uploadToken }};\n")
        shutil.copy(HERE / "node/package.json", folder)
        with installed_or_skip():
            (folder / "node_modules").symlink_to(installed(HERE / "node"))

    def _file(self, name: str) -> str:
        (file,) = (file for file in self.files if Path(file).stem == name)
        return file


FASTAPI = Programs(
    page="integrating-fastapi.md",
    fence="python",
    files=("accounts.py", "broker_api.py", "photos.py", "app.py", "feed.py", "erase.py"),
    serve=lambda port: [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)],
    interpreter=sys.executable,
)
EXPRESS = Programs(
    page="integrating-node.md",
    fence="js",
    files=("accounts.js", "broker-api.js", "photos.js", "server.js", "feed.js", "erase.js"),
    serve=lambda port: ["env", f"PORT={port}", NODE, "server.js"],
    interpreter=NODE,
)
