import { z } from "zod";
import { NotReachableError } from "../status/reading.ts";

/** Where CircleCI's API v2 is, and who asks. Source: https://circleci.com/docs/api/v2/ */
export interface CircleCiAccess {
  /** The base URL. */
  readonly host: string;
  /** `undefined`: nobody has given one. */
  readonly token: string | undefined;
}

/** The environment variable with the token for CircleCI's API. */
export const circleCiTokenVariable = "CIRCLE_TOKEN";

/**
 * @throws NotReachableError where there is no token or no answer
 * @throws Error where CircleCI refuses; never holds the token
 */
export async function askCircleCi<T>(
  access: CircleCiAccess,
  path: string,
  schema: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T> {
  const { host, token } = access;
  if (token === undefined || token === "")
    throw new NotReachableError(`set ${circleCiTokenVariable} to an API token of CircleCI to see it`);
  const response = await fetch(`${host}${path}`, {
    headers: { "Circle-Token": token, accept: "application/json" },
    signal,
  }).catch(() => {
    throw new NotReachableError(`${new URL(host).host} cannot be reached`);
  });
  if (response.ok) return schema.parse(await response.json());
  await response.body?.cancel();
  const reason =
    response.status === 401
      ? "does not accept the token (401)"
      : `answers ${response.status} for ${path.replace(/\?.*/, "")}`;
  throw new Error(`${new URL(host).host} ${reason}`);
}

/** All pages of a list. */
export async function listCircleCi<T>(
  access: CircleCiAccess,
  path: string,
  item: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T[]> {
  const schema = z.object({ items: z.array(item), next_page_token: z.string().nullish() });
  const items: T[] = [];
  for (let token: string | undefined = ""; token !== undefined;) {
    const query: string =
      token === "" ? "" : `${path.includes("?") ? "&" : "?"}page-token=${encodeURIComponent(token)}`;
    const page: z.infer<typeof schema> = await askCircleCi(access, `${path}${query}`, schema, signal);
    items.push(...page.items);
    token = page.next_page_token ?? undefined;
  }
  return items;
}
