// File input: drop, paste, the file dialog, or a phone's camera.

const byId = (id) => document.getElementById(id);

/** Call `take(files)` each time the user adds files. `mayTake()` checks whether files can be dropped now. */
export function onFiles(take, mayTake) {
  for (const [button, input] of [["choose", "files"], ["shoot", "shot"], ["interrupted-choose", "files"]]) {
    byId(button).addEventListener("click", () => byId(input).click());
  }
  for (const input of [byId("files"), byId("shot")]) {
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = ""; // reset, so that the same file can be chosen again
      if (files.length) take(files);
    });
  }
  document.addEventListener("paste", (event) => {
    if (document.querySelector("dialog[open]")) return;
    const files = [...event.clipboardData.files];
    // An office program copies a text together with a picture of it.
    const isText = event.target.closest?.("input, textarea") && event.clipboardData.types.includes("text/plain");
    if (files.length && !isText) take(files);
  });
  onDrop(take, mayTake);
}

/** Accept drops anywhere in the window, because otherwise a file that is dropped beside the area would replace the page. */
function onDrop(take, mayTake) {
  let depth = 0; // dragenter and dragleave fire for each element that is crossed
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files") && !document.querySelector("dialog[open]") && mayTake();
  const show = (over) => {
    byId("veil").hidden = !over;
    document.body.classList.toggle("over", over);
  };
  addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth++;
    show(true);
  });
  addEventListener("dragleave", (event) => {
    if (hasFiles(event) && --depth <= 0) show(false);
  });
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = hasFiles(event) ? "copy" : "none";
  });
  addEventListener("drop", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    depth = 0;
    show(false);
    const files = [...event.dataTransfer.files];
    if (files.length && hasFiles(event)) take(files);
  });
}
