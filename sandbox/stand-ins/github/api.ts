import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { z } from "zod";
import type { BareGit } from "./bare-git.ts";
import { findRepository, gitOf, ownerOf, type GitHubHost, type GitHubUser, type HostedRepository } from "./host.ts";
import type { Json, State } from "./state.ts";

/** What the handlers of the API find in their context. */
export interface ApiEnv {
  Bindings: HttpBindings;
  Variables: {
    host: GitHubHost;
    state: State;
    /** Whose token the request carries; `undefined`: it carries none. */
    user: GitHubUser | undefined;
    text: string;
    /** The parsed body; `undefined` without one. */
    body: unknown;
    /** Below `/repos/:owner/:repo` the repository of the path, and its Git. */
    repository: HostedRepository;
    git: BareGit;
  };
}

export type ApiContext = Context<ApiEnv>;

/** What is wrong with one field, in GitHub's form. */
interface FieldError {
  readonly resource: string;
  readonly code: "missing_field" | "invalid" | "custom";
  readonly field?: string;
  readonly message?: string;
}

/** An answer other than success, as GitHub's API words it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: ContentfulStatusCode;
  readonly errors: readonly FieldError[];

  constructor(status: ContentfulStatusCode, message: string, errors: readonly FieldError[] = []) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

/** Also what a private repository is to those who may not see it. */
export function notFound(): ApiError {
  return new ApiError(404, "Not Found");
}

export function invalid(error: FieldError): ApiError {
  return new ApiError(422, "Validation Failed", [error]);
}

/** Somebody is known, but may not do that. */
export function forbidden(): ApiError {
  return new ApiError(403, "Resource not accessible by personal access token");
}

export function answerError(c: Context, { status, message, errors }: ApiError): Response {
  return c.json(
    {
      message,
      ...(errors.length === 0 ? {} : { errors }),
      documentation_url: "https://docs.github.com/rest",
      status: String(status),
    },
    status,
  );
}

/** @throws ApiError that names the fields which are not of the documented form, as GitHub does */
export function bodyOf<T extends z.ZodType>(c: ApiContext, resource: string, schema: T): z.infer<T> {
  const parsed = schema.safeParse(c.var.body ?? {}, { reportInput: true });
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map((issue): FieldError => ({
    resource,
    field: issue.path.join("."),
    code: issue.code === "invalid_type" && issue.input === undefined ? "missing_field" : "invalid",
  }));
  throw new ApiError(422, "Validation Failed", errors);
}

/** @throws ApiError for a request without a token */
export function userOf(c: ApiContext): GitHubUser {
  const { user } = c.var;
  if (user === undefined) throw new ApiError(401, "Requires authentication");
  return user;
}

/** Finds the repository of the path. What someone may not see is not found. */
export async function withRepository(c: Context<ApiEnv, "/:owner/:repo">, next: () => Promise<void>): Promise<void> {
  const { host, state, user } = c.var;
  const repository = findRepository(host, state, `${c.req.param("owner")}/${c.req.param("repo")}`);
  if (repository === undefined || (user === undefined && !repository.public)) throw notFound();
  c.set("repository", repository);
  c.set("git", gitOf(host, repository));
  await next();
}

export function mayWrite({ login, access }: GitHubUser, repository: HostedRepository): boolean {
  return access === "write" || login === ownerOf(repository.fullName);
}

/** @throws ApiError for who may not write to the repository of the path */
export function writerOf(c: ApiContext): GitHubUser {
  const user = userOf(c);
  if (!mayWrite(user, c.var.repository)) throw forbidden();
  return user;
}

const defaultPageSize = 30;
const largestPageSize = 100;

/**
 * One page of a list, with links to the others.
 * @param around what the page's items are a part of. @default nothing
 */
export function page(c: ApiContext, items: readonly Json[], around: (some: Json[]) => Json = (some) => some): Response {
  const size = Math.min(positiveQuery(c, "per_page", defaultPageSize), largestPageSize);
  const number = positiveQuery(c, "page", 1);
  const last = Math.max(1, Math.ceil(items.length / size));
  const link = (rel: string, to: number): string => {
    const url = new URL(c.req.url);
    url.searchParams.set("page", String(to));
    return `<${url.href}>; rel="${rel}"`;
  };
  const links = [
    ...(number > 1 ? [link("prev", number - 1)] : []),
    ...(number < last ? [link("next", number + 1), link("last", last)] : []),
    ...(number > 1 ? [link("first", 1)] : []),
  ];
  const headers = links.length === 0 ? undefined : { link: links.join(", ") };
  return c.json(around(items.slice((number - 1) * size, number * size)), 200, headers);
}

/** GitHub takes anything but a positive number for not given. */
function positiveQuery(c: ApiContext, name: string, otherwise: number): number {
  const value = Number(c.req.query(name) ?? "");
  return Number.isInteger(value) && value > 0 ? value : otherwise;
}
