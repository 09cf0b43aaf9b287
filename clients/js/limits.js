// Check a file against the limits that the broker publishes.
import { BrokerError } from "./errors.js";
import { ANY } from "./media-types.js";

/** Throw the API's error for a file that the API would refuse, as soon as its limits are known. */
export async function checkLimits(wire, { path, profile: name }, { size, type }, { signal, waiting }) {
  const profiles = await wire.profiles(path, signal, waiting);
  if (!Object.hasOwn(profiles, name)) throw new BrokerError("not_found", `The broker has no profile ${name}.`, { status: 404 });
  const { content_types: types, max_bytes: most } = profiles[name];
  const errors = {};
  if (![type, ANY].some((one) => types.includes(one))) errors.content_type = [`Must be one of: ${types.join(", ")}.`];
  if (!(size >= 1 && size <= most)) errors.size = [`Must be from 1 to ${most} bytes.`];
  if (Object.keys(errors).length) {
    throw new BrokerError("validation_error", "A file cannot be accepted as declared.", { status: 422, errors });
  }
}
