/** What `POST /api/uploads/{id}/confirm/` records: one image as the API shows it. */
export interface Image {
  id: number;
  /** Key below the location. */
  image: string;
  image_url: string;
  alt_text: string;
  order: number;
  created_at: string;
}

export type Phase =
  | "queued" | "hashing" | "sending" | "waiting" | "confirming"
  | "paused" | "cancelled" | "failed" | "done";

export interface Progress {
  phase: Phase;
  /** Bytes: read while hashing, sent while sending. */
  loaded: number;
  total: number;
  /** In `waiting` what is waited out, in `failed` and `cancelled` what ended it. */
  error: BrokerError | null;
  upload: Upload;
}

export interface ResumeOptions {
  /** Left out or empty, what an earlier page said of the same upload stays. */
  altText?: string;
  /** Left out, what an earlier page said of the same upload stays. */
  order?: number;
  onProgress?: (progress: Progress) => void;
  /** Aborting it cancels. */
  signal?: AbortSignal;
}

export interface FileOptions extends ResumeOptions {
  /** Where the browser's own guess, `file.type`, is wrong. */
  contentType?: string;
  /** Left out, the broker chooses by size. */
  transport?: "post" | "put" | "multipart";
  /** Make a new image also where the same bytes were recorded for the same owner within 24 hours. */
  again?: boolean;
}

export type UploadOptions = FileOptions & ({ ad: number; user?: undefined } | { user: number; ad?: undefined });

export interface BatchOptions extends FileOptions {
  ad: number;
  /** Options of one file, over those of all. */
  each?: (file: File | Blob, index: number) => FileOptions;
}

/** What is kept of an upload that has not ended. */
export interface Resumable {
  /** For `resume`. */
  id: string;
  ad?: number;
  user?: number;
  name: string;
  size: number;
  type: string;
  lastModified: number | null;
  altText: string;
  order: number;
  startedAt: Date;
  /** Whether this or another tab is at it. */
  busy: boolean;
}

/**
 * Where records are kept; IndexedDB if left out. A record is structured-cloneable, `key` its key.
 * Where a call throws or rejects, the page's memory has the record.
 */
export interface Storage {
  put(record: { key: string }): unknown;
  delete(key: string): unknown;
  all(): Promise<any[]> | any[];
}

export interface BrokerOptions {
  /** Origin and path before `/api/`; the page's own origin if left out. */
  baseUrl?: string;
  /** The marketplace's token; a function is asked again after each 401, with the token that was `refused`. */
  token?: string | ((asked: { refused?: string }) => string | Promise<string>);
  fetch?: typeof globalThis.fetch;
  storage?: Storage;
  /** Files sent at once; 3 if left out. */
  concurrency?: number;
  /** Times that a request is tried before it is given up; 8 if left out. */
  tries?: number;
  /** Milliseconds without a byte sent after which a connection counts as dead; 60 000 if left out. */
  stallTimeout?: number;
}

export interface RequestOptions {
  /** Sent as JSON. */
  body?: unknown;
  /** What makes a POST safe to repeat: keep it until the POST has succeeded. Any request may be repeated. */
  idempotencyKey?: string;
  signal?: AbortSignal;
  /** Told of each failure that is waited out. */
  onWaiting?: (error: BrokerError) => void;
}

export class Broker {
  constructor(options?: BrokerOptions);
  /** Upload one file as an ad's image, or as a user's avatar. */
  upload(file: File | Blob, options: UploadOptions): Upload;
  /** Upload an ad's images; their tickets are asked for together, up to 50 or 64 MiB at a time. */
  uploadAll(files: Iterable<File | Blob>, options: BatchOptions): Uploads;
  /** Ask the API anything else as the same user: tried again and signed in anew as an upload's own requests are. */
  request(method: string, path: string, options?: RequestOptions): Promise<any>;
  /** List what was begun in this browser and has not ended: of one owner, or all. */
  resumable(owner?: { ad: number } | { user: number }): Promise<Resumable[]>;
  /** Go on with an upload, by its id, with the same file, which the user has chosen again. */
  resume(id: string, file: File | Blob, options?: ResumeOptions): Upload;
  /** Give up what an earlier page began, without its file; false where it has ended or is being sent. */
  discard(id: string): Promise<boolean>;
}

/** One upload under way: a promise of its image. */
export interface Upload extends Promise<Image> {
  readonly file: File | Blob;
  /** The broker's id of the upload, once there is a ticket. */
  readonly id: string | null;
  readonly phase: Phase;
  /** Stop sending, and keep what has arrived. The phase is `paused` until `resume`, unless the upload has ended. */
  pause(): void;
  /** Go on; the phase is `queued` at once. */
  resume(): void;
  /** Give the upload and its place up; false where it had ended before. */
  cancel(): Promise<boolean>;
}

/** Many uploads: each is a promise of its own; awaited together, they never reject. */
export interface Uploads extends PromiseLike<PromiseSettledResult<Image>[]>, Iterable<Upload> {
  readonly uploads: Upload[];
  pause(): void;
  resume(): void;
  cancel(): Promise<boolean[]>;
}

/** The API's own: `docs/errors.md`. */
export type ApiCode =
  | "avatar_not_confirmed" | "bad_request" | "body_too_large" | "capability_exhausted" | "capability_expired"
  | "capability_invalid" | "capability_revoked" | "database_unavailable" | "draining"
  | "events_not_configured"
  | "events_secret_invalid" | "forbidden" | "idempotency_in_flight" | "idempotency_key_reused"
  | "image_deleted" | "image_limit_reached" | "internal_error" | "invalid_event" | "invalid_idempotency_key"
  | "keys_unavailable"
  | "malformed_json" | "method_not_allowed" | "not_found" | "not_multipart" | "object_mismatch"
  | "object_missing" | "parts_missing" | "quota_exceeded" | "rate_limited"
  | "storage_denied" | "storage_unavailable" | "token_expired"
  | "token_invalid" | "token_missing" | "unsupported_media_type" | "upload_cancelled" | "upload_expired"
  | "upload_settled" | "uppy_not_configured" | "validation_error";

/** The client's own: `docs/browser.md`. */
export type ClientCode =
  | "aborted" | "busy" | "file_mismatch" | "file_unreadable" | "gave_up" | "http_error" | "network" | "s3_refused";

/** An outcome that the page is told about; decide by `code`. */
export class BrokerError extends Error {
  constructor(code: string, detail: string, more?: Partial<Pick<BrokerError, "status" | "errors" | "retryAfter" | "s3Code" | "cause">>);
  readonly name: "BrokerError";
  /** A later broker may have codes that are not named here: `switch` wants a `default`. */
  readonly code: ApiCode | ClientCode | (string & {});
  /** The API's or S3's HTTP status; 0 where there was none. */
  readonly status: number;
  readonly detail: string;
  /** Messages by field. */
  readonly errors: Record<string, any> | null;
  /** Seconds. */
  readonly retryAfter: number | null;
  /** The `Code` of S3's own error. */
  readonly s3Code: string | null;
}
