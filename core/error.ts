/** What something that was thrown says: anything can be thrown, and not all of it is an Error. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * The same with the reason below it: `fetch` says only "fetch failed", and why in its cause.
 * @returns the cause's message where there is one that says something
 */
export function rootMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}

/** Whether an error of the system has one of these codes, such as `ENOENT`. */
export function hasErrorCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** A part of the pipeline cannot be asked: nothing is known of it, which is not a failure of it. */
export class NotReachableError extends Error {
  override readonly name = "NotReachableError";
}
