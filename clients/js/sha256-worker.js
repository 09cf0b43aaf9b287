// SHA-256 of a Blob: by WebCrypto, which needs all bytes in memory, or in slices (FIPS 180-4).
// As a worker it answers { id, blob } with { id, loaded } while it works, and then { id, digest }.

export const WORKER_NAME = "upload-broker-sha256";
const BUFFER = 512 * 1024; // bytes in memory at a time
const MAX_GATHERED = 32 * 2 ** 20; // bytes of a Blob that WebCrypto hashes
const TURN_MS = 10; // milliseconds to hash without a worker before the page may redraw

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
const K = new Int32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

// Check the worker's name, because a page's own worker may import this client and must receive its
// messages.
const inWorker = globalThis.name === WORKER_NAME && typeof globalThis.importScripts === "function";

/** A running hash: call `update` any number of times, then `digest` once. */
export class Sha256 {
  // The first 32 bits of the fractional parts of the square roots of the first 8 primes.
  #state = new Int32Array([
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  ]);
  #schedule = new Int32Array(64);
  #rest = new Uint8Array(64); // bytes that do not fill a block yet
  #filled = 0;
  #length = 0;

  update(bytes) {
    this.#length += bytes.length;
    let at = 0;
    if (this.#filled) {
      at = Math.min(64 - this.#filled, bytes.length);
      this.#rest.set(bytes.subarray(0, at), this.#filled);
      this.#filled += at;
      if (this.#filled < 64) return;
      this.#compress(this.#rest, 0, 64);
    }
    const whole = at + ((bytes.length - at) & ~63);
    this.#compress(bytes, at, whole);
    this.#rest.set(bytes.subarray(whole));
    this.#filled = bytes.length - whole;
  }

  digest() {
    const bits = this.#length * 8; // exact to 2^53 bits, a petabyte
    const padding = new Uint8Array((this.#filled < 56 ? 64 : 128) - this.#filled);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(padding.length - 4, bits >>> 0);
    this.update(padding);
    const digest = new DataView(new ArrayBuffer(32));
    this.#state.forEach((word, index) => digest.setInt32(index * 4, word));
    return new Uint8Array(digest.buffer);
  }

  #compress(bytes, from, to) {
    const w = this.#schedule;
    let [h0, h1, h2, h3, h4, h5, h6, h7] = this.#state;
    for (let at = from; at < to; at += 64) {
      for (let t = 0, i = at; t < 16; t++, i += 4) {
        w[t] = (bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3];
      }
      for (let t = 16; t < 64; t++) {
        const x = w[t - 15], y = w[t - 2];
        const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        w[t] = (w[t - 16] + s0 + w[t - 7] + s1) | 0;
      }
      let a = h0, b = h1, c = h2, d = h3, e = h4, f = h5, g = h6, h = h7;
      for (let t = 0; t < 64; t++) {
        const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
        const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
        const t1 = (h + s1 + (g ^ (e & (f ^ g))) + K[t] + w[t]) | 0;
        const t2 = (s0 + ((a & b) | (c & (a | b)))) | 0;
        h = g; g = f; f = e; e = (d + t1) | 0;
        d = c; c = b; b = a; a = (t1 + t2) | 0;
      }
      h0 = (h0 + a) | 0; h1 = (h1 + b) | 0; h2 = (h2 + c) | 0; h3 = (h3 + d) | 0;
      h4 = (h4 + e) | 0; h5 = (h5 + f) | 0; h6 = (h6 + g) | 0; h7 = (h7 + h) | 0;
    }
    this.#state.set([h0, h1, h2, h3, h4, h5, h6, h7]);
  }
}

let spare = new Uint8Array(0); // the memory of the last Gathered

/** WebCrypto's hash with the interface of Sha256. It is ten times faster. Pages on plain http do not have it. */
class Gathered {
  #bytes; #length = 0;

  constructor(size) {
    this.#bytes = spare.length < size ? new Uint8Array(size) : spare;
    spare = new Uint8Array(0);
  }

  update(bytes) {
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  async digest() {
    const digest = await crypto.subtle.digest("SHA-256", this.#bytes.subarray(0, this.#length));
    spare = this.#bytes;
    return new Uint8Array(digest);
  }
}

/**
 * Return a Blob's SHA-256 in base64, as S3 writes it, or null if `stopped()` returned true.
 * Rejects with the browser's NotReadableError if the file was deleted or changed on disk.
 */
export async function sha256(blob, onLoaded = () => {}, stopped = () => false) {
  const isGathered = globalThis.crypto?.subtle && blob.size <= MAX_GATHERED;
  const hash = isGathered ? new Gathered(blob.size) : new Sha256();
  const next = reader(blob);
  let loaded = 0, since = performance.now();
  for (let bytes; (bytes = await next()); ) {
    if (stopped()) return await next.cancel();
    hash.update(bytes);
    onLoaded((loaded += bytes.length));
    if (!inWorker && performance.now() - since > TURN_MS) {
      await new Promise((resolve) => setTimeout(resolve));
      since = performance.now();
    }
  }
  return btoa(String.fromCharCode(...await hash.digest()));
}

/**
 * Read a Blob in pieces into one reused buffer. With blob.slice().arrayBuffer(), Chromium was seen to
 * keep all buffers until a garbage collection: 50 MiB for a file of 60 MiB.
 */
function reader(blob) {
  const stream = blob.stream();
  let source, buffer;
  try {
    source = stream.getReader({ mode: "byob" });
    buffer = new ArrayBuffer(BUFFER);
  } catch {
    source = stream.getReader(); // this browser has no byte streams for Blobs
  }
  const next = async () => {
    const { done, value } = await (buffer ? source.read(new Uint8Array(buffer)) : source.read());
    if (buffer && value) buffer = value.buffer;
    return done ? null : value;
  };
  next.cancel = async () => {
    await source.cancel();
    return null;
  };
  return next;
}

if (inWorker) {
  const stopped = new Set();
  globalThis.onmessage = async ({ data: { id, blob, stop } }) => {
    if (stop) return void stopped.add(id);
    const onLoaded = (loaded) => postMessage({ id, loaded });
    const done = await sha256(blob, onLoaded, () => stopped.has(id)).then(
      (digest) => ({ id, digest }),
      (error) => ({ id, error: String(error?.message ?? error) }),
    );
    stopped.delete(id);
    postMessage(done);
  };
}
