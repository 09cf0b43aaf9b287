// Send the bytes of one upload, and let the broker record the image.
import { BrokerError, aborted, unreadable } from "./errors.js";
import { RENEW_EARLY_MS } from "./retry-policy.js";
import { isFromS3, s3ErrorOf, send } from "./s3.js";
import { rest } from "./waiting.js";
import { untilOf, withLife } from "./wire.js";

const PARTS_PER_REQUEST = 3; // parts that are signed together; their digests are computed just before

/**
 * One attempt to send an upload: a locked record that has the upload's id and method, and its
 * ticket if it is known. After an interrupted attempt, create a new Transfer.
 */
export class Transfer {
  retryAfter = null; // of the broker's last answer
  #wire; #file; #locked; #notify; #signal;

  constructor(wire, file, locked, notify, signal) {
    this.#wire = wire;
    this.#file = file;
    this.#locked = locked;
    this.#notify = notify;
    this.#signal = signal;
  }

  /** Send in a slot what S3 does not have yet, then confirm without the slot. Returns the image, or the upload if it is being processed. */
  async run() {
    const { record } = this.#locked;
    try {
      if (record.ended || record.processing) return await this.#confirm();
      if (record.method === "MULTIPART") return await this.#multipart();
      if (!record.sent) await this.#single();
      return await this.#confirm();
    } catch (error) {
      if (this.#decide("transfer", error).action === "confirm") return await this.#record("confirm/");
      throw error;
    }
  }

  #decide(phase, answer, counts) {
    return this.#wire.retries.decide(phase, answer, counts);
  }

  #api(method, path, body, signal = this.#signal) {
    const waiting = (error) => this.#notify("waiting", undefined, error);
    const paced = (seconds) => { this.retryAfter = seconds; };
    const { uploadId, owner } = this.#locked.record;
    return this.#wire.api(method, `/api/uploads/${uploadId}/${path}`, { body, owner, signal, waiting, paced });
  }

  /** Let the broker record the image, at most a few uploads at the same time. */
  #record(path) {
    return this.#wire.confirms.hold(this.#signal, () => this.#api("POST", path));
  }

  async #single() {
    await this.#wire.slots.hold(this.#signal, () => this.#whole());
    this.#locked.record.sent = true;
    await this.#wire.store.put(this.#locked.record);
  }

  async #whole() {
    this.#notify("sending", 0);
    await this.#deliver("send", this.#signal, this.#file, async (again) => {
      const ticket = this.#locked.ticket;
      if (again || !ticket || Date.now() > ticket.until - RENEW_EARLY_MS) {
        this.#locked.ticket = withLife(await this.#api("POST", "renew/"));
      }
      return { ...this.#locked.ticket.upload, until: this.#locked.ticket.until };
    }, (loaded) => this.#notify("sending", loaded));
  }

  async #confirm() {
    this.#notify("confirming", this.#file.size);
    for (let tries = 1; ; tries++) {
      try {
        return await this.#record("confirm/");
      } catch (error) {
        const { action, waitMs, exhausted } = this.#decide("confirm", error, { tries });
        if (exhausted || action === "give_up") throw error;
        if (action === "send_again") {
          this.#locked.record.sent = false;
          await this.#single();
          this.#notify("confirming", this.#file.size);
        } else {
          await rest(waitMs, this.#signal);
        }
      }
    }
  }

  async #multipart() {
    for (let rounds = 1, checks = 1; ; ) {
      try {
        const plan = await this.#api("GET", "parts/");
        if (plan.missing.length) await this.#parts(plan);
        this.#notify("confirming", this.#file.size);
        return await this.#record("complete/");
      } catch (error) {
        if (this.#signal.aborted) throw error;
        const { action, waitMs, exhausted } = this.#decide("complete", error, { tries: rounds, checks });
        if (action === "confirm") return await this.#record("complete/");
        if (exhausted || action === "give_up") throw error;
        if (action === "retry") checks++;
        else rounds++;
        await rest(waitMs, this.#signal);
      }
    }
  }

  /** Send the missing parts, as many at once as there are slots. The first failure stops the others. */
  async #parts({ missing, part_size: partSize, size }) {
    const blob = (number) => this.#file.slice((number - 1) * partSize, Math.min(number * partSize, size));
    const arrived = size - missing.reduce((sum, number) => sum + blob(number).size, 0);
    const loaded = new Map(), digests = new Map(), queue = [...missing], signed = [];
    let left = missing.length;
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
        if (!pinned || !Array.isArray(error.errors?.parts)) throw error; // an error in one part is an object, not a list
        pinned = false; // another device started the upload without digests: all parts have one, or none
        return ask(numbers);
      });
      return answer.parts.map((part) => ({ ...part, until: untilOf(answer) }));
    };
    let turn = Promise.resolve(); // one lane signs parts, and the other lanes wait for the URLs
    const next = () => (turn = turn.then(async () => {
      if (!signed.length && queue.length) signed.push(...await sign(queue.splice(0, PARTS_PER_REQUEST)));
      return signed.shift();
    }));
    const sendNext = async () => {
      const part = await next();
      if (!part) return false;
      const number = part.part_number;
      const target = async (again) => (again ? (await sign([number]))[0] : part);
      await this.#deliver("part", stop.signal, blob(number), target, (bytes) => {
        loaded.set(number, bytes);
        this.#notify("sending", [...loaded.values()].reduce((sum, n) => sum + n, arrived));
      });
      loaded.set(number, blob(number).size);
      if (!--left) stop.abort(); // the other lanes no longer wait for slots
      return true;
    };
    const lane = async () => {
      while (left && await this.#wire.slots.hold(stop.signal, sendNext));
    };
    this.#notify("sending", arrived);
    const lanes = Array.from({ length: Math.min(this.#wire.concurrency, missing.length) }, () => lane().catch((error) => {
      stop.abort();
      throw error;
    }));
    const [first] = await Promise.allSettled(lanes).then((ends) =>
      ends.filter((end) => end.status === "rejected").map((end) => end.reason)
        .sort((one, other) => (one.code === "aborted") - (other.code === "aborted")));
    this.#signal.removeEventListener("abort", stopped);
    if (left && first) throw first;
  }

  /**
   * Send bytes until S3 has them.
   *
   * `phase` is `send` or `part`. `target(again)` returns where to send the bytes. If
   * `again` is true, it is signed again.
   */
  async #deliver(phase, signal, blob, target, onLoaded) {
    let at = await target(false);
    for (let tries = 1, renewals = 0; ; ) {
      const answer = await send(at, blob, { signal, onLoaded, stall: this.#wire.stallTimeout });
      if (signal.aborted) throw aborted();
      const { status } = answer, { code, message } = s3ErrorOf(answer);
      const fromProxy = status !== 0 && !isFromS3(answer);
      let next = this.#decide(phase, { status, code, message, fromProxy }, { tries, renewals });
      if (next.action === "confirm") return onLoaded(blob.size);
      onLoaded(0);
      if (next.action === "retry") {
        await checkReadable(this.#file);
        const error = !status ? new BrokerError("network", "S3 did not answer.")
          : fromProxy ? new BrokerError("http_error", `Something between this device and S3 answered ${status}.`, { status })
          : new BrokerError("gave_up", `S3 answered ${status} ${code}.`, { status, s3Code: code });
        if (next.exhausted) throw error;
        this.#notify("waiting", undefined, error);
        const wasOffline = await rest(next.waitMs, signal);
        tries = wasOffline ? 1 : tries + 1;
        // S3 may close the connection while it refuses an expired form. This looks like a network
        // failure.
        if (Date.now() > at.until - RENEW_EARLY_MS) at = await target(true);
        continue;
      }
      if (next.action === "report") {
        const { action } = await this.#api("POST", "failures/", { code, message }, signal);
        next = this.#decide("advice", { code: action }, { tries, renewals });
        if (next.action === "confirm") return onLoaded(blob.size);
      }
      if (next.action === "retry" && !next.exhausted) {
        tries++;
        await rest(next.waitMs, signal);
      } else if (next.action === "renew" && !next.exhausted) {
        renewals++;
        at = await target(true);
      } else {
        throw new BrokerError("s3_refused", `S3 refused the file: ${code}. ${message}`.trim(), { s3Code: code });
      }
    }
  }
}

/** Throw `file_unreadable` if the file, and not the network, is the problem. */
async function checkReadable(file) {
  await file.slice(0, 1).arrayBuffer().catch((error) => {
    throw unreadable(error);
  });
}
