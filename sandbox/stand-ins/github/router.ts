import { z } from "zod";
import { ApiError, invalidBody, notFound } from "./api-error.ts";
import type { BareGit } from "./bare-git.ts";
import { findRepository, gitOf, ownerOf, type GitHubHost, type GitHubUser, type HostedRepository } from "./host.ts";
import type { Json, State } from "./state.ts";

export interface ApiRequest {
  readonly host: GitHubHost;
  readonly state: State;
  /** Whose token it is; `undefined`: nobody's. */
  readonly user: GitHubUser | undefined;
  /** The decoded `{name}` parts of the route's path. */
  readonly path: Readonly<Record<string, string>>;
  /** As the client sees it, for links to further pages. */
  readonly url: URL;
  /** The parsed body; `undefined` without one. */
  readonly body: unknown;
}

export interface ApiResponse {
  readonly status: number;
  readonly body?: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface Route {
  readonly method: Method;
  readonly pattern: RegExp;
  readonly handle: (request: ApiRequest) => ApiResponse | Promise<ApiResponse>;
}

/** A route of the API. `{name}` stands for one part of the path, `{name+}` for several: the names of branches have slashes. */
export function route(method: Method, path: string, handle: Route["handle"]): Route {
  const pattern = path.replaceAll(/\{(\w+)(\+?)\}/g, (_, name: string, many: string) =>
    many === "" ? `(?<${name}>[^/]+)` : `(?<${name}>.+)`,
  );
  return { method, pattern: new RegExp(`^${pattern}$`), handle };
}

export function ok(body: Json, headers: ApiResponse["headers"] = {}): ApiResponse {
  return { status: 200, body, headers };
}

export function created(body: Json): ApiResponse {
  return { status: 201, body };
}

export const noContent: ApiResponse = { status: 204 };

export function findRoute(
  routes: readonly Route[],
  method: string,
  pathname: string,
): { route: Route; path: Record<string, string> } | undefined {
  for (const candidate of routes) {
    const groups = candidate.method === method ? candidate.pattern.exec(pathname)?.groups : undefined;
    const matches = groups ?? (candidate.method === method && candidate.pattern.test(pathname) ? {} : undefined);
    if (matches !== undefined) {
      const path = Object.entries(matches).map(([name, part]) => [name, decodeURIComponent(part)]);
      return { route: candidate, path: Object.fromEntries(path) };
    }
  }
  return undefined;
}

export function pathPart(request: ApiRequest, name: string): string {
  const value = request.path[name];
  if (value === undefined) throw new Error(`the route has no part {${name}}`);
  return value;
}

/** @throws ApiError that names the fields, as GitHub does */
export function bodyOf<T extends z.ZodType>(request: ApiRequest, resource: string, schema: T): z.infer<T> {
  const parsed = schema.safeParse(request.body ?? {}, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw invalidBody(resource, parsed.error);
}

/** @throws ApiError for anonymous requests */
export function userOf({ user }: ApiRequest): GitHubUser {
  if (user === undefined) throw new ApiError(401, "Requires authentication");
  return user;
}

/** The repository of the path, and its Git. What someone may not see is not found. */
export function repositoryOf(request: ApiRequest): { repository: HostedRepository; git: BareGit } {
  const { host, state, user } = request;
  const repository = findRepository(host, state, `${pathPart(request, "owner")}/${pathPart(request, "repo")}`);
  if (repository === undefined || (user === undefined && !repository.public)) throw notFound();
  return { repository, git: gitOf(host, repository) };
}

export function mayWrite({ login, access }: GitHubUser, repository: HostedRepository): boolean {
  return access === "write" || login === ownerOf(repository.fullName);
}

/** As `repositoryOf`, for those who may write to it. */
export function writableRepositoryOf(request: ApiRequest): { repository: HostedRepository; git: BareGit } {
  const found = repositoryOf(request);
  if (mayWrite(userOf(request), found.repository)) return found;
  throw new ApiError(403, "Resource not accessible by personal access token");
}
