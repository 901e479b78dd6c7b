/** An answer other than success, as CircleCI's API words it: a status and `{"message": …}`. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, message);
}

export function notFound(what: string): ApiError {
  return new ApiError(404, `${what} not found.`);
}

export function conflict(message: string): ApiError {
  return new ApiError(409, message);
}
