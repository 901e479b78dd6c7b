/** A part of the pipeline cannot be asked: nothing is known of it, which is not a failure of it. */
export class NotReachableError extends Error {
  override readonly name = "NotReachableError";
}
