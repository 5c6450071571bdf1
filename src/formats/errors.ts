// The one error class of this room.

/** Bytes that are not what their format says: truncated, contradictory, hostile or unsupported. */
export class FormatError extends Error {
  override name = "FormatError";
}
