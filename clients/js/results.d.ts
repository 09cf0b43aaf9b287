// What the API returns. broker.d.ts exports these types.
import type { RejectionReason } from "./broker.js";

/** A recorded image or document, as the API returns it. */
export interface Image {
  id: number;
  /** Object key without the location. */
  image: string;
  /** Null for a file of a private profile. `files` returns a URL for some minutes. */
  image_url: string | null;
  alt_text: string;
  order: number;
  created_at: string;
  /** Pixels. Null if the broker has not inspected the image. */
  width: number | null;
  height: number | null;
  /** Base64. `placeholderOf` turns it into a picture. */
  thumbhash: string | null;
  /** Smaller renditions, the narrowest first. `srcsetOf` lists them for an `<img>`. */
  variants: Variant[];
}

/** A smaller rendition of an image. */
export interface Variant {
  width: number;
  height: number;
  content_type: string;
  /** Null for a file of a private profile. */
  url: string | null;
}

/** A published file of an owner, as `files` returns it. */
export interface StoredFile {
  id: number;
  /** Object key without the location. */
  key: string;
  /** Null only in the answer to `updateFile`, for callers who may not read a private file. */
  url: string | null;
  /** When the URL of a private file expires. Null for a public file. */
  url_expires_at: string | null;
  /** The name that the file was uploaded with, for those who may know it. */
  file_name: string | null;
  content_type: string;
  size: number;
  checksum_sha256: string | null;
  alt_text: string;
  order: number;
  width: number | null;
  height: number | null;
  thumbhash: string | null;
  variants: Variant[];
  created_at: string;
}

/** One page of an owner's files. `next_cursor` is the `cursor` of the next page, or null. */
export interface FilePage {
  results: StoredFile[];
  next_cursor: string | null;
}

/** An upload, as the API returns it. */
export interface ApiUpload {
  id: string;
  state: "pending" | "processing" | "confirmed" | "rejected" | "expired" | "cancelled";
  /** The name of the profile. */
  purpose: string;
  /** An integer for ads and users, otherwise a text. */
  owner: number | string;
  key: string;
  content_type: string;
  size: number | null;
  checksum_sha256: string | null;
  checksum_verified: boolean | null;
  composite_checksum_sha256: string | null;
  file_name?: string | null;
  transport: "post" | "put" | "multipart";
  created_at: string;
  expires_at: string;
  server_time: string;
  confirm_url: string;
  /** Why the upload was rejected. */
  reason: RejectionReason | (string & {}) | null;
  /** The image, once the upload is confirmed. */
  image: Image | null;
}

/** A user's profile, as the API returns it. */
export interface User {
  id: number;
  /** The subject of the user's tokens. Null for other users, as is `email`. */
  subject: string | null;
  email: string | null;
  first_name: string;
  last_name: string;
  name: string;
  /** Object key below the location. */
  avatar: string | null;
  avatar_url: string | null;
  /** Size, placeholder and variants of the avatar. */
  avatar_image: Pick<Image, "width" | "height" | "thumbhash" | "variants"> | null;
}
