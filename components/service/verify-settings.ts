import { z } from "zod";

/** What stands for the service in a URL or a query. */
const placeholders = /\{([A-Za-z_]+)\}/g;

/** Another one would be asked for as it is written, and so every image taken back. */
function hasKnownPlaceholders(text: string): boolean {
  return [...text.matchAll(placeholders)].every(([, name]) => name === "service" || name === "namespace");
}
const unknownPlaceholder = "Names something that is not known; there are {service} and {namespace}";

const hint = "Must be one of {command}, {http: {path}}, {http: {url}} and {metrics: {server, query, min or max}}";

/** What takes a URL elsewhere, as parsers of URLs read it. Source: https://url.spec.whatwg.org/#double-dot-path-segment */
const dotSegment = /[/\\](\.|%2e){1,2}([/\\?#]|$)/i;

/** What is asked for by HTTP: each pod by itself at a path, through the API server, or one URL. */
const httpCheckSchema = z
  .strictObject({
    /** Asked of every pod at the service's port, such as `/healthz`. */
    path: z
      .string()
      .regex(/^\/[^\s]*$/, "Must be a path that begins with /")
      // It is the end of a path at the API server, whose other answers are none of the pod's.
      .refine((path) => !dotSegment.test(path), "Must have no . or .. between slashes")
      .optional(),
    /** Asked as it is; `{service}` and `{namespace}` in it are the service's. */
    url: z
      .string()
      .regex(/^https?:\/\/[^\s/]+\S*$/, "Must be a URL such as https://shop.example/healthz")
      .refine(hasKnownPlaceholders, unknownPlaceholder)
      .optional(),
    /** The HTTP status that is good. @default 200 */
    status: z.int("Must be an HTTP status").min(200, "Must be at least 200").max(599, "Must be at most 599").optional(),
    /** A text that the answer must hold. @default any */
    contains: z.string().min(1, "Must be a text").optional(),
  })
  .refine(({ path, url }) => (path === undefined) !== (url === undefined), {
    path: ["path"],
    message: "Must be there where no `url` is, and only there",
  });
export type HttpCheck = z.infer<typeof httpCheckSchema>;

/** A number that a Prometheus-compatible server knows. */
const metricsCheckSchema = z
  .strictObject({
    /** Its base URL, below which `/api/v1/query` is. */
    server: z
      .string()
      .regex(
        /^https?:\/\/[^\s/]+\S*[^\s/]$/,
        "Must be a URL such as http://prometheus.example:9090, without a slash at its end",
      ),
    /** In PromQL; `{service}` and `{namespace}` in it are the service's. */
    query: z.string().min(1, "Must be a query").refine(hasKnownPlaceholders, unknownPlaceholder),
    /** What every number must be at least. @default no limit */
    min: z.number("Must be a number").optional(),
    /** What every number may be at most. @default no limit */
    max: z.number("Must be a number").optional(),
  })
  .refine(({ min, max }) => min !== undefined || max !== undefined, {
    path: ["max"],
    message: "Must be there, or `min`: any number would be good without",
  })
  .refine(({ min = -Infinity, max = Infinity }) => min <= max, "Has a min above max, which no value satisfies");
export type MetricsCheck = z.infer<typeof metricsCheckSchema>;

const checkSchema = z.union(
  [
    z.strictObject({
      /** A command that must succeed, run once, after the hold, in the program's directory by `bash -eo pipefail`. */
      command: z.string("Must be a command").min(1, "Must be a command"),
    }),
    z.strictObject({ http: httpCheckSchema }),
    z.strictObject({ metrics: metricsCheckSchema }),
  ],
  hint,
);
export type Check = z.infer<typeof checkSchema>;

/** At most a week. */
const mostMinutes = 10_080;

/** What an image has to prove once it is released. */
const verificationShape = {
  /** How long all pods must run it and be well without a break, in minutes. @default 0: once is enough */
  minutes: z
    .number("Must be a number of minutes")
    .min(0, "Must not be negative")
    .max(mostMinutes, `Must be at most ${mostMinutes}, a week`)
    .optional(),
  /** How long it may take from the release commit until all pods run it and are well, in minutes. @default 10 */
  timeoutMinutes: z
    .number("Must be a number of minutes")
    .positive("Must be above 0")
    .max(mostMinutes, `Must be at most ${mostMinutes}, a week`)
    .optional(),
  /** What else must hold then. Those by HTTP and of metrics are asked while the time runs, too. @default nothing */
  checks: z.array(checkSchema, "Must be a list of checks").optional(),
};

/** How the images of a service prove themselves in environments with `verify`; `none`: they need not. */
export const serviceVerifySchema = z.union(
  [z.literal("none"), z.strictObject(verificationShape)],
  "Must be none, or {minutes, timeoutMinutes, checks}",
);

/** The same for all services of an environment. */
export const environmentVerifySchema = z.strictObject({
  ...verificationShape,
  /** How long a job of CI waits for verdicts, in minutes; what takes longer is left to `ci.resumeSchedule`. @default 15 */
  waitMinutes: z
    .number("Must be a number of minutes")
    .min(0, "Must not be negative")
    .max(240, "Must be at most 240")
    .optional(),
});
export type EnvironmentVerify = z.infer<typeof environmentVerifySchema>;

/** How the images of one service prove themselves in one environment. */
export interface VerificationRules {
  readonly minutes: number;
  readonly timeoutMinutes: number;
  readonly checks: readonly Check[];
}

/** @returns `undefined`: nothing is verified */
export function verificationRules(
  environment: EnvironmentVerify | undefined,
  service: z.infer<typeof serviceVerifySchema> | undefined,
): VerificationRules | undefined {
  if (environment === undefined || service === "none") return undefined;
  const { minutes = 0, timeoutMinutes = 10, checks = [] } = { ...environment, ...service };
  return { minutes, timeoutMinutes, checks };
}

/** How long CI's job waits, in minutes. */
export function verificationWait({ waitMinutes = 15 }: EnvironmentVerify): number {
  return waitMinutes;
}
