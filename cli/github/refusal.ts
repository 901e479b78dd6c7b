import { z } from "zod";
import { CommandError } from "../command.ts";

/** The environment variable with the token for GitHub's API. */
export const tokenVariable = "DELIVERY_GITHUB_TOKEN";

const errorSchema = z.object({
  message: z.string(),
  errors: z
    .array(
      z.union([
        z.string(),
        z.object({ message: z.string().optional(), field: z.string().optional(), code: z.string().optional() }),
      ]),
    )
    .catch([])
    .default([]),
});

/**
 * The error for an answer that is no success, with GitHub's own words and the way out.
 * @param title what was asked; completes "GitHub refuses to …"
 */
export async function refusal(title: string, response: Response, withToken: boolean): Promise<CommandError> {
  const words = wordsOf(await response.text().catch(() => ""));
  const said = words === "" ? "" : `: ${words}`;
  return new CommandError(`GitHub refuses to ${title} (${response.status}${said}); ${wayOut(response, withToken)}`);
}

function wayOut(response: Response, withToken: boolean): string {
  const { status, headers } = response;
  if (isLimit(response)) {
    const reset = Number(headers.get("x-ratelimit-reset") ?? 0);
    const until = reset === 0 ? "" : ` until ${new Date(reset * 1000).toISOString()}`;
    const help = withToken ? "run this again later" : `set ${tokenVariable}: GitHub allows more to those it knows`;
    return `its limit of requests is reached${until}; ${help}`;
  }
  if (status >= 500) return "run the same command again later";
  if (status === 401) return withToken ? `${tokenVariable} is not valid; make a new token` : `set ${tokenVariable}`;
  if (status === 403)
    return withToken ? `give the token in ${tokenVariable} the permission` : `set ${tokenVariable} to a token that may`;
  if (status === 404) {
    const token = withToken
      ? `which repositories the token in ${tokenVariable} may use`
      : `set ${tokenVariable} if the repository is private`;
    return `it is not there, or hidden: check github.repository and github.api of the stack file, and ${token}`;
  }
  return "the request is not accepted as it is";
}

/** The primary limit says what remains, the secondary one how long to wait. */
export function isLimit({ status, headers }: Response): boolean {
  return (
    status === 429 || (status === 403 && (headers.get("x-ratelimit-remaining") === "0" || headers.has("retry-after")))
  );
}

/** How long GitHub wants us to wait, in milliseconds. */
export function pauseAsked(response: Response): number | undefined {
  const { headers } = response;
  const after = headers.get("retry-after") ?? "";
  if (/^\d+$/.test(after)) return Number(after) * 1000;
  const until = after === "" ? limitReset(response) : Date.parse(after);
  return until === undefined || Number.isNaN(until) ? undefined : Math.max(0, until - Date.now());
}

function limitReset(response: Response): number | undefined {
  const reset = response.headers.get("x-ratelimit-reset");
  return isLimit(response) && reset !== null ? Number(reset) * 1000 : undefined;
}

/** The message, and what is wrong with which field. */
function wordsOf(text: string): string {
  const body = errorSchema.safeParse(asJson(text));
  if (!body.success) return "";
  const details = body.data.errors.map((error) =>
    typeof error === "string" ? error : (error.message ?? `${error.field ?? ""} ${error.code ?? ""}`.trim()),
  );
  return [body.data.message, ...details].join(", ");
}

/** What is not JSON, as it is: a proxy's page of HTML. */
export function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
