// From a ticket to the recorded image: the bytes of one upload on their way.
import { BrokerError, aborted, unreadable } from "./errors.js";
import { s3ErrorOf, send } from "./s3.js";
import { backoff, rest, seconds } from "./waiting.js";
import { untilOf, withLife } from "./wire.js";

const PARTS_PER_REQUEST = 3; // signed together; their digests are made just before
const PARTS_AT_ONCE = 3;
const SEND_EARLY = 5_000; // a form this near its end is renewed first
const ASSEMBLING_TRIES = 60;

/**
 * One attempt at sending what `held` has: a record with the upload's id and method, and the
 * ticket where it is still known. An attempt that was cut off is followed by another.
 */
export class Transfer {
  #wire; #file; #held; #tell; #signal;

  constructor(wire, file, held, tell, signal) {
    this.#wire = wire;
    this.#file = file;
    this.#held = held;
    this.#tell = tell;
    this.#signal = signal;
  }

  /** Send what S3 does not have, and have the broker record it; gives the image. */
  async run() {
    const { record } = this.#held;
    try {
      if (record.ended) return await this.#confirm();
      if (record.method === "MULTIPART") return await this.#multipart();
      if (!record.sent) await this.#single();
      return await this.#confirm();
    } catch (error) {
      // The image is recorded already: an earlier answer was lost, or the bucket's event was first.
      if (error.code === "upload_settled") return await this.#api("POST", "confirm/");
      throw error;
    }
  }

  #api(method, path, body, signal = this.#signal) {
    const waiting = (error) => this.#tell("waiting", undefined, error);
    return this.#wire.api(method, `/api/uploads/${this.#held.record.uploadId}/${path}`, { body, signal, waiting });
  }

  async #single() {
    this.#tell("sending", 0);
    await this.#deliver(this.#signal, this.#file, async (again) => {
      const ticket = this.#held.ticket;
      if (again || !ticket || Date.now() > ticket.until - SEND_EARLY) {
        this.#held.ticket = withLife(await this.#api("POST", "renew/"));
      }
      return { ...this.#held.ticket.upload, until: this.#held.ticket.until };
    }, (loaded) => this.#tell("sending", loaded));
    this.#held.record.sent = true;
    await this.#wire.store.put(this.#held.record);
  }

  async #confirm() {
    this.#tell("confirming", this.#file.size);
    for (let tries = 1; ; tries++) {
      try {
        return await this.#api("POST", "confirm/");
      } catch (error) {
        if (error.code !== "object_missing" || tries === this.#wire.tries) throw error;
        if (tries === 3) {
          // It was sent, and is not there: then it is sent once more.
          this.#held.record.sent = false;
          await this.#single();
          this.#tell("confirming", this.#file.size);
        } else {
          await rest(seconds(error.retryAfter, 1), this.#signal);
        }
      }
    }
  }

  async #multipart() {
    for (let rounds = 1, waits = 1; ; ) {
      try {
        const plan = await this.#api("GET", "parts/");
        if (plan.missing.length) await this.#parts(plan);
        this.#tell("confirming", this.#file.size);
        return await this.#api("POST", "complete/");
      } catch (error) {
        if (this.#signal.aborted) throw error;
        if (error.code === "upload_settled") return await this.#api("POST", "complete/");
        if (error.code === "object_missing" && waits++ < ASSEMBLING_TRIES) {
          await rest(seconds(error.retryAfter, 2), this.#signal); // S3 is putting the parts together
        } else if ((error.code === "parts_missing" || error.s3Code === "NoSuchUpload") && rounds++ < this.#wire.tries) {
          await rest(backoff(rounds), this.#signal);
        } else {
          throw error;
        }
      }
    }
  }

  /** Send the missing parts, a few at once; the first failure stops the others. */
  async #parts({ missing, part_size: partSize, size }) {
    const blob = (number) => this.#file.slice((number - 1) * partSize, Math.min(number * partSize, size));
    const arrived = size - missing.reduce((sum, number) => sum + blob(number).size, 0);
    const loaded = new Map(), digests = new Map(), queue = [...missing], signed = [];
    const stop = new AbortController();
    const stopped = () => stop.abort();
    this.#signal.addEventListener("abort", stopped);
    let pinned = true;
    const ask = (numbers) => this.#api("POST", "parts/", { parts: numbers.map((number) => (
      { part_number: number, checksum_sha256: pinned ? digests.get(number) : undefined })) }, stop.signal);
    const sign = async (numbers) => {
      for (const number of numbers) {
        if (pinned && !digests.has(number)) digests.set(number, await this.#wire.hasher.part(blob(number), stop.signal));
      }
      const answer = await ask(numbers).catch((error) => {
        if (!pinned || !Array.isArray(error.errors?.parts)) throw error; // of a single part there is an object
        pinned = false; // another device began it without digests of its parts: all have one, or none
        return ask(numbers);
      });
      return answer.parts.map((part) => ({ ...part, until: untilOf(answer) }));
    };
    let turn = Promise.resolve(); // one lane signs, the others wait for its urls
    const next = () => (turn = turn.then(async () => {
      if (!signed.length && queue.length) signed.push(...await sign(queue.splice(0, PARTS_PER_REQUEST)));
      return signed.shift();
    }));
    const lane = async () => {
      for (let part; (part = await next()); ) {
        const number = part.part_number;
        const target = async (again) => (again ? (await sign([number]))[0] : part);
        await this.#deliver(stop.signal, blob(number), target, (bytes) => {
          loaded.set(number, bytes);
          this.#tell("sending", [...loaded.values()].reduce((sum, n) => sum + n, arrived));
        });
        loaded.set(number, blob(number).size);
      }
    };
    this.#tell("sending", arrived);
    const lanes = Array.from({ length: PARTS_AT_ONCE }, () => lane().catch((error) => {
      stop.abort();
      throw error;
    }));
    const [first] = await Promise.allSettled(lanes).then((ends) =>
      ends.filter((end) => end.status === "rejected").map((end) => end.reason)
        .sort((one, other) => (one.code === "aborted") - (other.code === "aborted")));
    this.#signal.removeEventListener("abort", stopped);
    if (first) throw first;
  }

  /**
   * Send bytes until S3 has them: docs/mobile.md's tables.
   *
   * `target(again)` gives where to send, signed again where `again` is true.
   */
  async #deliver(signal, blob, target, onLoaded) {
    let at = await target(false);
    for (let tries = 1, renewals = 0; ; ) {
      const answer = await send(at, blob, { signal, onLoaded, stall: this.#wire.stallTimeout });
      if (signal.aborted) throw aborted();
      // 412: a PUT is written once, and an earlier one, whose answer was lost, has arrived.
      if ((answer.status >= 200 && answer.status < 300) || answer.status === 412) return onLoaded(blob.size);
      const { code, message } = s3ErrorOf(answer);
      onLoaded(0);
      if (answer.status === 0 || answer.status >= 500 || mayPass(answer.status, code)) {
        await readable(this.#file);
        const error = answer.status
          ? new BrokerError("gave_up", `S3 answers ${answer.status} ${code}.`, { status: answer.status, s3Code: code })
          : new BrokerError("network", "No answer from S3.");
        if (tries >= this.#wire.tries) throw error;
        this.#tell("waiting", undefined, error);
        const wasOffline = await rest(backoff(tries), signal);
        tries = wasOffline ? 1 : tries + 1;
        // A refused form may look like a broken connection: S3 hangs up while it is being sent.
        if (Date.now() > at.until - SEND_EARLY) at = await target(true);
        continue;
      }
      const refused = () => new BrokerError("s3_refused", `S3 refused the file: ${code}. ${message}`.trim(), { s3Code: code });
      if (code === "NoSuchUpload") throw refused(); // the next round tells
      let action = "renew";
      if (!(answer.status === 403 && /expired/i.test(message))) {
        ({ action } = await this.#api("POST", "failures/", { code, message }, signal));
      }
      if (action === "confirm") return onLoaded(blob.size);
      if (action === "retry" && tries++ < this.#wire.tries) await rest(backoff(tries), signal);
      else if (action === "renew" && renewals++ < this.#wire.tries) at = await target(true);
      else throw refused();
    }
  }
}

/**
 * RequestTimeout, a 400, and a proxy's 408: the line was dead for so long that they hung up. The
 * broker need not hear of it: it gives an upload up after a few reports, and a train has many tunnels.
 */
function mayPass(status, code) {
  return status === 408 || status === 429 || code === "RequestTimeout";
}

/** Tell a file that has gone from a network that has. */
async function readable(file) {
  await file.slice(0, 1).arrayBuffer().catch((error) => {
    throw unreadable(error);
  });
}
