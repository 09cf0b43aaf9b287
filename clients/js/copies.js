// Copies of small files in memory. A small file is read once: its copy is hashed and sent.
import { aborted, unreadable } from "./errors.js";
import { deferred, unless } from "./waiting.js";

const MAX_FILE_BYTES = 32 * 2 ** 20; // larger files are read in slices
const MAX_BYTES = 64 * 2 ** 20; // of all copies

/**
 * The copies of one Broker's uploads. Android's photo picker changes a file's modification time while the
 * file is read. After that, Chromium does not read the file again.
 */
export class Copies {
  #held = new Map(); // the size of each upload's copy
  #changed = deferred();

  /**
   * Return a copy of the upload's file, or the file itself if it is large. If there are too many copies,
   * wait until an upload ends. If one of them is paused, it may never end, so return the file itself.
   *
   * Only one call may run at a time.
   */
  async take(upload, signal) {
    const { file } = upload;
    if (file.size > MAX_FILE_BYTES) return file;
    while (file.size > this.#free()) {
      if ([...this.#held.keys()].some((one) => one.phase === "paused")) return file;
      await unless(signal, this.#changed.promise);
    }
    this.#held.set(upload, file.size);
    try {
      // With arrayBuffer(), Chromium was seen to keep another copy of each photo until a garbage collection.
      const copy = await new Response(file.stream()).blob();
      if (!signal.aborted) return copy;
    } catch (error) {
      this.drop(upload);
      throw unreadable(error);
    }
    this.drop(upload);
    throw aborted();
  }

  #free() {
    return [...this.#held.values()].reduce((free, size) => free - size, MAX_BYTES);
  }

  /** Release the copy of an upload that has ended. */
  drop(upload) {
    this.#held.delete(upload);
    this.check();
  }

  /** Let a waiting call check again, because an upload was paused or has ended. */
  check() {
    this.#changed.resolve();
    this.#changed = deferred();
  }
}
