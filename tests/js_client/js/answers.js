// A broker and a bucket made of answers, and records that outlive a page.
export const FILE = new File(["photo"], "x.jpg", { type: "image/jpeg", lastModified: 1 });
export const PROFILE = { content_types: ["image/jpeg"], max_bytes: 2 ** 30 };
export const IMAGE = { id: 1, alt_text: "", order: 0 };
// Sent to at once, and always well.
export const TICKET = {
  id: "u1", expires_at: "2026-01-01T00:05:00Z", server_time: "2026-01-01T00:00:00Z",
  upload: { method: "PUT", url: "data:,", headers: {} },
};

/**
 * A fetch that answers by "METHOD path" from lists of [status, body, headers], the last for good.
 * In place of an answer there may be a function of the request that gives it, or a promise of it.
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

/** Records in memory, shared by brokers as IndexedDB is by pages. */
export function storage() {
  const map = new Map();
  return { map, put: (one) => map.set(one.key, structuredClone(one)), delete: (key) => map.delete(key),
           all: () => [...map.values()].map((one) => structuredClone(one)) };
}

export const refused = (code, status, more = {}) => [status, { code, detail: code }, more];

/** An answer that never comes; the request ends as it is aborted. */
export const never = ({ signal }) => new Promise((_, reject) => {
  signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
});

/** A promise that is settled from outside. */
export function gate() {
  const made = {};
  made.promise = new Promise((resolve) => { made.open = resolve; });
  return made;
}
