// Reorder the items of a grid: drag the grip, or use the arrow keys.

const MOVES = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
const EDGE = 70; // pixels from the window edge within which a drag scrolls the page

/** Make the items of a grid movable. `moved(item)` is called after an item was moved. */
export function reorderable(grid, moved) {
  grid.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest(".grip");
    if (grip && event.button === 0) drag(grid, grip, event, moved);
  });
  grid.addEventListener("keydown", (event) => {
    const grip = event.target.closest(".grip");
    const rows = { ArrowUp: -columns(grid), ArrowDown: columns(grid) };
    const by = grip && (MOVES[event.key] ?? rows[event.key]);
    if (!by) return;
    event.preventDefault();
    const item = grip.closest("li");
    const to = [...grid.children].indexOf(item) + by;
    if (event.key in rows && (to < 0 || to >= grid.children.length)) return; // there is no row in that direction
    if (step(grid, item, by)) moved(item);
    grip.focus(); // moving an element removes its focus
  });
}

/** Move an item by a number of places. Returns false if the item is already in that place. */
export function step(grid, item, by) {
  const items = [...grid.children];
  const from = items.indexOf(item);
  const to = Math.max(0, Math.min(items.length - 1, from + by));
  if (to === from) return false;
  gliding(grid, () => (to < from ? items[to].before(item) : items[to].after(item)));
  return true;
}

function columns(grid) {
  return getComputedStyle(grid).gridTemplateColumns.split(" ").length;
}

/** Make a change and animate the items from their old places. */
function gliding(grid, change, except = null) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const items = [...grid.children].filter((item) => item !== except);
  const before = items.map((item) => [item.offsetLeft, item.offsetTop]);
  change();
  if (still) return;
  items.forEach((item, index) => {
    const x = before[index][0] - item.offsetLeft, y = before[index][1] - item.offsetTop;
    if (x || y) item.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], { duration: 180, easing: "ease" });
  });
}

function drag(grid, grip, { pointerId, clientX, clientY }, moved) {
  const item = grip.closest("li");
  const next = item.nextElementSibling; // its original place
  const start = { x: clientX + scrollX - item.offsetLeft, y: clientY + scrollY - item.offsetTop };
  const at = { x: clientX, y: clientY };
  const place = () => {
    const x = at.x + scrollX - item.offsetLeft - start.x, y = at.y + scrollY - item.offsetTop - start.y;
    item.style.translate = `${x}px ${y}px`;
  };
  const over = () => {
    const box = grid.getBoundingClientRect();
    const x = at.x - box.left, y = at.y - box.top;
    return [...grid.children].find((one) => one !== item &&
      x >= one.offsetLeft && x < one.offsetLeft + one.offsetWidth && y >= one.offsetTop && y < one.offsetTop + one.offsetHeight);
  };
  let frame = requestAnimationFrame(function follow() {
    const by = at.y < EDGE ? at.y - EDGE : Math.max(0, at.y - innerHeight + EDGE);
    if (by) scrollBy(0, by / 5);
    const other = over();
    if (other) {
      const later = item.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;
      gliding(grid, () => (later ? other.after(item) : other.before(item)), item);
    }
    place();
    frame = requestAnimationFrame(follow);
    if (!item.isConnected) end(); // another tab deleted it
  });
  const listening = new AbortController();
  const end = (back) => {
    cancelAnimationFrame(frame);
    listening.abort();
    item.classList.remove("lifted");
    item.style.translate = "";
    if (!item.isConnected) return;
    if (back) gliding(grid, () => grid.insertBefore(item, next?.parentNode === grid ? next : null));
    else if (item.nextElementSibling !== next) moved(item);
    grip.focus();
  };
  const on = (kind, act) => document.addEventListener(kind, act, { signal: listening.signal });
  on("pointermove", (event) => {
    if (event.pointerId === pointerId) Object.assign(at, { x: event.clientX, y: event.clientY });
  });
  on("pointerup", (event) => event.pointerId === pointerId && end(false));
  on("pointercancel", (event) => event.pointerId === pointerId && end(true));
  on("keydown", (event) => event.key === "Escape" && end(true));
  item.classList.add("lifted");
}
