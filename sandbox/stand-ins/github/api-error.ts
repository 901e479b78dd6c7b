import type { z } from "zod";

/** What is wrong with one field, in GitHub's form. */
export interface FieldError {
  readonly resource: string;
  readonly code: "missing" | "missing_field" | "invalid" | "already_exists" | "custom";
  readonly field?: string;
  readonly message?: string;
}

/** An answer other than success, as GitHub's API words it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly errors: readonly FieldError[];

  constructor(status: number, message: string, errors: readonly FieldError[] = []) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

/** Also what a private repository is to those who may not see it. */
export function notFound(): ApiError {
  return new ApiError(404, "Not Found");
}

export function invalid(...errors: FieldError[]): ApiError {
  return new ApiError(422, "Validation Failed", errors);
}

/** A body that is not of the documented form. */
export function invalidBody(resource: string, error: z.ZodError): ApiError {
  return invalid(
    ...error.issues.map((issue): FieldError => ({
      resource,
      field: issue.path.join("."),
      code: issue.code === "invalid_type" && issue.input === undefined ? "missing_field" : "invalid",
    })),
  );
}
