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

/** An answer that is no success, read to its end. */
export interface FailedAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/**
 * The error for an answer that is no success, with GitHub's own words and the way out.
 * @param title what was asked; completes "GitHub refuses to …"
 */
export function refusal(title: string, answer: FailedAnswer, withToken: boolean): CommandError {
  const words = wordsOf(answer.text);
  const said = words === "" ? "" : `: ${words}`;
  return new CommandError(`GitHub refuses to ${title} (${answer.status}${said}); ${wayOut(answer, withToken)}`);
}

function wayOut(answer: FailedAnswer, withToken: boolean): string {
  const { status } = answer;
  if (isLimit(answer)) {
    const reset = limitReset(answer);
    const until = reset === undefined ? "" : ` until ${new Date(reset).toISOString()}`;
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

/**
 * Whether GitHub asks for patience. The primary limit says what remains; the secondary one, of what was asked at once, how
 * long to wait, or nothing but its name.
 */
export function isLimit({ status, headers, text }: FailedAnswer): boolean {
  if (status === 429) return true;
  const isNamed = /secondary rate limit|abuse detection/i.test(text);
  return status === 403 && (isNamed || headers.get("x-ratelimit-remaining") === "0" || headers.has("retry-after"));
}

/** How long GitHub wants us to wait, in milliseconds. */
export function pauseAsked(answer: FailedAnswer): number | undefined {
  const after = answer.headers.get("retry-after") ?? "";
  if (/^\d+$/.test(after)) return Number(after) * 1000;
  const until = after === "" ? limitReset(answer) : Date.parse(after);
  return until === undefined || Number.isNaN(until) ? undefined : Math.max(0, until - Date.now());
}

/** When the primary limit ends, if that is the one that is reached. */
function limitReset(answer: FailedAnswer): number | undefined {
  const { headers } = answer;
  const reset = Number(headers.get("x-ratelimit-reset") ?? 0);
  const isPrimary = isLimit(answer) && headers.get("x-ratelimit-remaining") === "0";
  return isPrimary && reset > 0 ? reset * 1000 : undefined;
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
