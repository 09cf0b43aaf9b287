// A fake broker and bucket that return prepared answers, and a storage that outlives a page.
export const FILE = new File(["photo"], "x.jpg", { type: "image/jpeg", lastModified: 1 });
export const PROFILE = { content_types: ["image/jpeg"], max_bytes: 2 ** 30 };
export const IMAGE = { id: 1, alt_text: "", order: 0 };
// A `data:` URL: every PUT to it succeeds at once.
export const TICKET = {
  id: "u1", expires_at: "2026-01-01T00:05:00Z", server_time: "2026-01-01T00:00:00Z",
  upload: { method: "PUT", url: "data:,", headers: {} },
};

/**
 * Return a fetch that answers "METHOD path" from a list of [status, body, headers]. The last answer
 * repeats. Instead of an answer, a list may contain a function that gets the request and returns an answer.
 */
export function answers(table) {
  const asked = [];
  const lists = { "GET /api/profiles/": [[200, { ad_image: PROFILE, avatar: PROFILE }]], ...table };
  const fetch = async (url, { method, headers, body, signal }) => {
    const line = `${method} ${url}`;
    const request = { line, key: headers["Idempotency-Key"], token: headers.Authorization, body, signal };
    asked.push(request);
    const list = lists[line];
    if (!list) return new Response(JSON.stringify({ code: "unexpected", detail: line }), { status: 400 });
    const next = list.length > 1 ? list.shift() : list[0];
    const [status, json, more] = typeof next === "function" ? await next(request) : next;
    if (status === 0) throw new TypeError("Failed to fetch");
    return new Response(status === 204 ? null : JSON.stringify(json), { status, headers: more });
  };
  return { fetch, asked, lines: () => asked.map((one) => one.line) };
}

/** A storage in memory that several Brokers share, as pages share IndexedDB. */
export function storage() {
  const map = new Map();
  return { map, put: (one) => map.set(one.key, structuredClone(one)), delete: (key) => map.delete(key),
           all: () => [...map.values()].map((one) => structuredClone(one)) };
}

export const refused = (code, status, more = {}) => [status, { code, detail: code }, more];

/** Never answer. The request ends when it is aborted. */
export const never = ({ signal }) => new Promise((_, reject) => {
  signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
});

/** Return a promise that `open` resolves. */
export function gate() {
  const made = {};
  made.promise = new Promise((resolve) => { made.open = resolve; });
  return made;
}
