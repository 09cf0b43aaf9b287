import type { ApiUpload, FilePage, Image, StoredFile, User } from "./results.js";

export type { ApiUpload, FilePage, Image, StoredFile, User, Variant } from "./results.js";

/** Why the broker rejects a file: `docs/errors.md`. */
export type RejectionReason =
  | "checksum_mismatch" | "corrupt" | "not_an_image" | "processing_failed" | "too_many_frames"
  | "too_many_pixels" | "type_mismatch";

/** An ad, a user (for the avatar), or an owner of any profile. */
export type Owner =
  | { ad: number; user?: undefined; profile?: undefined; owner?: undefined }
  | { user: number; ad?: undefined; profile?: undefined; owner?: undefined }
  | { profile: string; owner: string; ad?: undefined; user?: undefined };

/** Options that may name an owner. */
export type MaybeOwner = Owner | { ad?: undefined; user?: undefined; profile?: undefined; owner?: undefined };

export type Phase =
  | "queued" | "hashing" | "sending" | "waiting" | "confirming" | "processing"
  | "paused" | "cancelled" | "failed" | "done";

export interface Progress {
  phase: Phase;
  /** Bytes that were read (`hashing`) or sent (`sending`). */
  loaded: number;
  total: number;
  /** In `waiting`: the failure before the next try. In `failed` and `cancelled`: the reason. */
  error: BrokerError | null;
  upload: Upload;
}

export interface ResumeOptions {
  /** If this is missing or empty, a resumed upload keeps its alt text. */
  altText?: string;
  /** If this is missing, a resumed upload keeps its order. */
  order?: number;
  /** Called for each new phase. Within a phase: at most ten times a second, and for the last bytes. */
  onProgress?: (progress: Progress) => void;
  /** Aborting this signal cancels the upload. */
  signal?: AbortSignal;
  /**
   * `ready` (the default): resolve to the image when it is published. `recorded`: resolve as soon as the
   * broker has recorded that the file has arrived, to an `ApiUpload` in state `processing`, or to the image
   * if it is ready. `whenReady` waits for the image later.
   */
  waitFor?: "ready" | "recorded";
}

/** What an upload resolves to. */
export type Result<O> = O extends { waitFor: "recorded" } ? Image | ApiUpload : Image;

export interface FileOptions extends ResumeOptions {
  /** Overrides the browser's `file.type`. */
  contentType?: string;
  /** If this is missing, the broker chooses the method by file size. */
  transport?: "post" | "put" | "multipart";
  /** Create a new image even if the same bytes were recorded for the same owner within 24 hours. */
  again?: boolean;
}

export type UploadOptions = FileOptions & Owner;

export type BatchOptions = FileOptions & Exclude<Owner, { user: number }> & {
  /** Options of one file. They override those of all files. */
  each?: (file: File | Blob, index: number) => FileOptions;
};

/** An upload that has not ended and can be resumed. */
export interface Resumable {
  /** The id for `resume` and `discard`. */
  id: string;
  ad?: number;
  user?: number;
  profile?: string;
  owner?: string;
  name: string;
  size: number;
  type: string;
  lastModified: number | null;
  altText: string;
  order: number;
  startedAt: Date;
  /** Whether the file has arrived and was being processed: `whenReady(id)` needs no file. */
  processing: boolean;
  /** Whether this tab or another tab is working on this upload. */
  busy: boolean;
}

/**
 * Storage for upload records; the default is IndexedDB. A record is structured-cloneable and its
 * key is `key`. If a call throws or rejects, the record is kept in the page's memory.
 */
export interface Storage {
  put(record: { key: string }): unknown;
  delete(key: string): unknown;
  all(): Promise<any[]> | any[];
}

/** What the requests are about that need a token. Without `profile` and `owner` they are about no single owner. */
export interface TokenRequest {
  /** For example `ad_image`, `avatar` or the name of another profile. */
  profile?: string;
  /** The ad's or user's id, or the owner's name. */
  owner?: string;
  /** The token that was refused. Return another one. */
  refused?: string;
}

export interface BrokerOptions {
  /** Origin and path before `/api/`. The default is the page's own origin. */
  baseUrl?: string;
  /**
   * The marketplace's token, or a function that returns it. The client calls the function once for each
   * owner and keeps the token. After any 401 it calls the function once more.
   */
  token?: string | ((asked: TokenRequest) => string | Promise<string>);
  fetch?: typeof globalThis.fetch;
  storage?: Storage;
  /** Files and parts that are sent at the same time. The default is 6, as many connections as browsers open to one host. */
  concurrency?: number;
  /** The maximum number of tries of a request. The default is 8. */
  tries?: number;
  /** A connection that sends no byte for this many milliseconds counts as dead. The default is 60 000. */
  stallTimeout?: number;
  /** How many milliseconds an upload waits while the broker processes it. The default is 600 000. */
  processingTimeout?: number;
}

export interface WaitingOptions {
  signal?: AbortSignal;
  /** Called for each failed try before the client waits and retries. */
  onWaiting?: (error: BrokerError) => void;
}

/** The owner decides which token is sent. It is not needed if the path begins with an owner's path. */
export type RequestOptions = WaitingOptions & MaybeOwner & {
  /** Sent as JSON. */
  body?: unknown;
  /** Makes a POST safe to repeat. Keep the same key until the POST has succeeded, because the client may repeat any request. */
  idempotencyKey?: string;
};

export class Broker {
  constructor(options?: BrokerOptions);
  /** Upload one file of an owner: as an ad's image, as a user's avatar, or as a file of another profile. */
  upload<O extends UploadOptions>(file: File | Blob, options: O): Upload<Result<O>>;
  /** Upload files of one owner. The first ones are sent while the others are hashed; one request gets up to 50 tickets. */
  uploadAll<O extends BatchOptions>(files: Iterable<File | Blob>, options: O): Uploads<Result<O>>;
  /** Send any other request to the API, with the owner's token and the same retries as an upload. */
  request(method: string, path: string, options?: RequestOptions): Promise<any>;
  /** Return the token's user. Its `id` is the `user` of `upload`. */
  me(options?: WaitingOptions): Promise<User>;
  /** List one page of an owner's published files, in their order. `limit` is at most 100, by default 50. */
  files(owner: Owner, options?: WaitingOptions & { limit?: number; cursor?: string | null }): Promise<FilePage>;
  /** Change the alt text or the order of an owner's file. */
  updateFile(owner: Owner, id: number, changes: WaitingOptions & { altText?: string; order?: number }): Promise<StoredFile>;
  /** Delete an owner's file. Resolves to false if there is no such file. */
  deleteFile(owner: Owner, id: number, options?: WaitingOptions): Promise<boolean>;
  /** List the uploads that this browser started and that have not ended, of one owner or of all owners. */
  resumable(owner?: Owner): Promise<Resumable[]>;
  /**
   * Wait for the image of an upload whose file has arrived. Its file is not needed. The owner is needed
   * only if another browser started the upload and `token` depends on the owner.
   */
  whenReady(id: string, options?: WaitingOptions & MaybeOwner): Promise<Image>;
  /** Resume an upload by its id. The user must have chosen the same file again. For the owner see `whenReady`. */
  resume<O extends ResumeOptions & MaybeOwner>(id: string, file: File | Blob, options?: O): Upload<Result<O>>;
  /** Cancel an upload that an earlier page started. Resolves to false if it has ended or is in progress. */
  discard(id: string): Promise<boolean>;
}

/** One upload: a promise of its image. */
export interface Upload<R = Image | ApiUpload> extends Promise<R> {
  readonly file: File | Blob;
  /** The broker's id of the upload, once there is a ticket. */
  readonly id: string | null;
  readonly phase: Phase;
  /** Stop sending. The bytes that have arrived are kept. The phase is `paused` until `resume`, unless the upload ends. */
  pause(): void;
  /** Continue. The phase becomes `queued` at once. */
  resume(): void;
  /** Cancel the upload and release its slot, also while it is processed. Resolves to false if it had ended before. */
  cancel(): Promise<boolean>;
}

/** Many uploads. Each is a promise; awaited together, they never reject. */
export interface Uploads<R = Image> extends PromiseLike<PromiseSettledResult<R>[]>, Iterable<Upload<R>> {
  readonly uploads: Upload<R>[];
  pause(): void;
  resume(): void;
  cancel(): Promise<boolean[]>;
}

/** The API's codes: `docs/errors.md`. */
export type ApiCode =
  | "ad_owned_by_another" | "avatar_not_confirmed" | "bad_request" | "body_too_large" | "capability_exhausted" | "capability_expired"
  | "capability_invalid" | "capability_revoked" | "cursor_expired" | "database_not_migrated" | "database_unavailable" | "draining"
  | "events_not_configured"
  | "events_secret_invalid" | "forbidden" | "idempotency_in_flight" | "idempotency_key_reused"
  | "image_deleted" | "image_limit_reached" | "internal_error" | "invalid_event" | "invalid_idempotency_key"
  | "keys_unavailable"
  | "malformed_json" | "method_not_allowed" | "not_found" | "not_multipart" | "object_mismatch"
  | "object_missing" | "parts_missing" | "quota_exceeded" | "rate_limited"
  | "storage_denied" | "storage_unavailable" | "token_expired"
  | "token_invalid" | "token_missing" | "unsupported_media_type" | "upload_cancelled" | "upload_expired"
  | "upload_rejected" | "upload_settled" | "uppy_not_configured" | "user_erased"
  | "validation_error";

/** The client's own codes: `docs/browser.md`. */
export type ClientCode =
  | "aborted" | "busy" | "file_mismatch" | "file_unreadable" | "gave_up" | "http_error" | "network" | "s3_refused"
  | "still_processing" | "token_failed";

/** An error with a stable `code`: the API's own, or one of this client's. */
export class BrokerError extends Error {
  constructor(code: string, detail: string, more?: Partial<Pick<BrokerError, "status" | "errors" | "retryAfter" | "s3Code" | "reason" | "cause">>);
  readonly name: "BrokerError";
  /** A later broker may have other codes, so a `switch` needs a `default`. */
  readonly code: ApiCode | ClientCode | (string & {});
  /** The HTTP status of the API or S3; 0 if there was no answer. */
  readonly status: number;
  readonly detail: string;
  /** Messages by field. */
  readonly errors: Record<string, any> | null;
  /** Seconds. */
  readonly retryAfter: number | null;
  /** The `Code` of S3's error. */
  readonly s3Code: string | null;
  /** Of `upload_rejected`: why the file was rejected. */
  readonly reason: RejectionReason | (string & {}) | null;
}

/** `upload_rejected`: the broker inspected the file and will not publish it. Do not upload it again. */
export class UploadRejected extends BrokerError {
  readonly reason: RejectionReason | (string & {});
}

/** `still_processing`: the file has arrived and is safe, but was not processed within `processingTimeout`. */
export class StillProcessing extends BrokerError {}

/** Return `srcset` for an image: its variants, and the image itself if it is wider. Empty if it has none, or no URLs. */
export function srcsetOf(image: Pick<Image, "width" | "variants"> & ({ image_url: string | null } | { url: string | null })): string;

/** Return a tiny blurred picture of an image as a `data:` URL, or null if the image has no valid thumbhash. */
export function placeholderOf(image: Pick<Image, "thumbhash">): string | null;
