/** The API server cannot be asked: no connection, no usable kubeconfig. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

/** One of the reasons the API server gives for a refusal. */
export interface ApiErrorCause {
  reason: string;
  message: string;
  /** E.g. `spec.template`, or `.spec.replicas` in a conflict of field managers. */
  field: string;
}

/** The API server's answer is a failure. The message is the server's own. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The HTTP status. */
  readonly status: number;
  /** E.g. `NotFound`, `AlreadyExists`, `Conflict`, `Invalid`. */
  readonly reason: string;
  readonly causes: readonly ApiErrorCause[];
  /** The kind of object that the refusal is about, e.g. `namespaces`. */
  readonly about: string;

  constructor(
    message: string,
    details: { status: number; reason: string; causes?: readonly ApiErrorCause[]; about?: string },
  ) {
    super(message);
    this.status = details.status;
    this.reason = details.reason;
    this.causes = details.causes ?? [];
    this.about = details.about ?? "";
  }
}

/** The API server does not serve this apiVersion and kind. */
export class NoSuchKindError extends Error {
  override readonly name = "NoSuchKindError";
}

export function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 404;
}

/** For what may be gone already. @throws what else has happened */
export function ignoreNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}

/** The user may not do that; for kinds that are not there, a user with few rights is told the same. */
export function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 403;
}

/** The object's namespace is what was not found. */
export function isNamespaceNotFound(error: unknown): boolean {
  return isNotFound(error) && error.about === "namespaces";
}
