"""Synthetic drops and pastes, for engines whose driver cannot do them.

The bytes come through a file input that is added for the moment, so they are never in a script.
"""

from pathlib import Path

from tests.engines.facade import Tab

ADD = """() => {
    const input = document.createElement("input");
    Object.assign(input, { type: "file", multiple: true, id: "carried" });
    input.style.cssText = "position: fixed; inset: 0 auto auto 0; opacity: 0";
    for (const kind of ["input", "change"])
        input.addEventListener(kind, (event) => event.stopPropagation());
    document.body.append(input);
}"""
DROP = """() => {
    const input = document.getElementById("carried");
    const dataTransfer = new DataTransfer();
    for (const file of input.files) dataTransfer.items.add(file);
    input.remove();
    for (const kind of ["dragenter", "dragover", "drop"]) {
        const options = { dataTransfer, bubbles: true, cancelable: true };
        document.getElementById("app").dispatchEvent(new DragEvent(kind, options));
    }
}"""
# Firefox ignores `clipboardData` in the constructor of ClipboardEvent.
PASTE = """(css) => {
    const input = document.getElementById("carried");
    const clipboardData = new DataTransfer();
    for (const file of input.files) clipboardData.items.add(file);
    input.remove();
    const pasted = new ClipboardEvent("paste", { bubbles: true, cancelable: true });
    Object.defineProperty(pasted, "clipboardData", { value: clipboardData });
    document.querySelector(css).dispatchEvent(pasted);
}"""


def drop(tab: Tab, *files: Path) -> None:
    """Send the events of a drop to the page."""
    carry(tab, *files)
    tab.evaluate(DROP)


def paste(tab: Tab, css: str, picture: Path) -> None:
    """Send the event of a paste to an element."""
    carry(tab, picture)
    tab.evaluate(PASTE, css)


def carry(tab: Tab, *files: Path) -> None:
    """Put files into a file input with the id `carried`."""
    tab.evaluate(ADD)
    tab.choose("#carried", *files)
