// Check a file against the limits that the broker publishes.
import { BrokerError } from "./errors.js";

/** Throw the API's `validation_error` for a file that the API would refuse, before any request. */
export function checkLimits({ content_types: types, max_bytes: most }, size, type) {
  const errors = {};
  if (!types.includes(type)) errors.content_type = [`Must be one of: ${types.join(", ")}.`];
  if (!(size >= 1 && size <= most)) errors.size = [`Must be from 1 to ${most} bytes.`];
  if (Object.keys(errors).length) {
    throw new BrokerError("validation_error", "A file cannot be accepted as declared.", { status: 422, errors });
  }
}
