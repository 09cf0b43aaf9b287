// Photos of one ad, and a fake broker that issues tickets for them.
import { IMAGE, TICKET, answers, gate } from "./answers.js";

export const BATCH = "POST /api/ads/1/upload_images/", ALONE = "POST /api/ads/1/upload_image/";

/** Photos of a few bytes that report another size. */
export const files = (count, size) => Array.from({ length: count }, (_, index) =>
  Object.defineProperty(new File([`photo ${index}`], `${index}.jpg`, { type: "image/jpeg" }), "size", { value: size }));

/** Let a file be read only after `ready` resolves. */
export function readAfter(file, ready) {
  const stream = file.stream.bind(file);
  file.stream = () => new ReadableStream({
    async start(controller) {
      await ready;
      for await (const bytes of stream()) controller.enqueue(bytes);
      controller.close();
    },
  });
}

/** Let everything happen that waits for nothing else: every fake answer comes within some turns of the event loop. */
export async function calm() {
  for (let turn = 0; turn < 40; turn++) await new Promise(setImmediate);
}

/** A broker that issues a ticket for each file. `more` replaces its answers. */
export function shop(more = {}) {
  let made = 0;
  const ticket = () => ({ ...TICKET, id: `u${++made}` });
  const table = Object.fromEntries(Array.from({ length: 130 }, (_, n) => [`POST /api/uploads/u${n}/confirm/`, [[200, { ...IMAGE, id: n }]]]));
  const all = ({ body }) => [201, { tickets: JSON.parse(body).files.map(ticket) }];
  const faked = answers({ ...table, [BATCH]: [all], [ALONE]: [() => [201, ticket()]], ...more });
  /** Return the file names of each batch that was requested. */
  const batches = () => faked.asked.filter((one) => one.line === BATCH).map((one) => JSON.parse(one.body).files.map((file) => file.file_name));
  return { ...faked, batches, ticket, all };
}

export const names = (from, to) => Array.from({ length: to - from }, (_, index) => `${from + index}.jpg`);

/** A broker that answers the first request only after `open`, so that the other photos share the second request. */
export function heldShop(second, more = {}) {
  const opened = gate(), first = async (request) => { await opened.promise; return made.all(request); };
  const made = shop({ [BATCH]: [first, ...[second ?? first].flat(1)], ...more });
  /** Upload photos, and answer the first request when all are ready. */
  const upload = async (broker, count, options = {}, size = 1000) => {
    const uploads = broker.uploadAll(files(count, size), { ad: 1, ...options });
    for (let calms = 0; calms * 15 <= count; calms++) await calm();
    opened.open();
    return uploads;
  };
  return { ...made, upload };
}

/** Hash on this thread without pauses, so that `calm` is enough. */
export function hashAtOnce() {
  Object.defineProperty(crypto, "subtle", { value: undefined });
  performance.now = () => 0;
}
