import { z } from "zod";
import { rootMessage } from "../../core/error.ts";
import { parsedJson } from "../../core/json.ts";
import { backoff, retry } from "../../core/retry.ts";
import { CommandError } from "../command.ts";

/** The environment variable with a token for the server of metrics. */
export const metricsTokenVariable = "DELIVERY_METRICS_TOKEN";

/** A server with Prometheus' HTTP API: Prometheus itself, Thanos, Mimir, VictoriaMetrics. */
export interface MetricsServer {
  readonly url: string;
  /** Sent as a bearer token. @default none */
  readonly token?: string | undefined;
  readonly signal: AbortSignal;
  /** Pauses between attempts while the server is busy, in milliseconds. @default 4 of them, some 8 s */
  readonly pauses?: readonly number[];
}

export interface Range {
  readonly from: Date;
  readonly to: Date;
  /** Seconds. */
  readonly step: number;
}

const answerSchema = z.discriminatedUnion("status", [
  z.object({
    status: z.literal("success"),
    warnings: z.array(z.string()).optional(),
    data: z.object({
      resultType: z.literal("matrix"),
      result: z.array(
        z.object({
          metric: z.record(z.string(), z.string()),
          values: z.array(z.tuple([z.number(), z.string()])).default([]),
          histograms: z.array(z.unknown()).optional(),
        }),
      ),
    }),
  }),
  z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() }),
]);

/**
 * How what is only a remark on a query begins, e.g. that a counter's name does not end in `_total`, or that the buckets of a histogram
 * were a trifle out of order. Thanos 0.39 has it among the warnings, and so had Prometheus before 2.54.
 * Source: https://github.com/prometheus/prometheus/blob/v2.53.0/util/annotations/annotations.go
 */
const remarkPrefix = "PromQL info: ";

/**
 * The values of a query at each step; `null` where there is none, or it is not a number.
 * Source: https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries
 * @throws CommandError if the server does not answer as Prometheus does, the query is wrong, gives several series, or infinity
 */
export async function queryRange(server: MetricsServer, query: string, range: Range): Promise<(number | null)[]> {
  const answer = await ask(server, query, range);
  if (answer.status === "error") throw new CommandError(`${server.url} refuses ${query}: ${answer.error}`);
  const { data } = answer;
  const warnings = (answer.warnings ?? []).filter((warning) => !warning.startsWith(remarkPrefix));
  // A server in front of several says so where one of them has not answered.
  if (warnings.length > 0)
    throw new CommandError(`${server.url} warns of the answer to ${query}: ${warnings.join("; ")}`);
  if (data.result.length > 1)
    throw new CommandError(`${query} gives ${data.result.length} series; make one of them, e.g. by sum(…)`);
  const [series] = data.result;
  if ((series?.histograms ?? []).length > 0)
    throw new CommandError(`${query} gives histograms; make numbers of them, e.g. by histogram_quantile(…)`);
  const byStep = new Map((series?.values ?? []).map(([seconds, value]) => [stepOf(seconds, range), value]));
  return Array.from({ length: lastStep(range) + 1 }, (_, step) => {
    const text = byStep.get(step);
    return text === undefined ? null : numberOf(text, query, new Date(range.from.getTime() + step * range.step * 1000));
  });
}

function lastStep({ from, to, step }: Range): number {
  return Math.floor((to.getTime() - from.getTime()) / 1000 / step);
}

function stepOf(seconds: number, { from, step }: Range): number {
  return Math.round((seconds - from.getTime() / 1000) / step);
}

function numberOf(text: string, query: string, at: Date): number | null {
  if (text === "NaN") return null;
  const value = text === "" ? NaN : Number(text.replace(/Inf$/, "Infinity"));
  if (Number.isFinite(value)) return value;
  throw new CommandError(`${query} is ${text} at ${at.toISOString()}; a query must give finite numbers`);
}

/** The server cannot answer now. */
class BusyError extends CommandError {}

async function ask(server: MetricsServer, query: string, range: Range): Promise<z.infer<typeof answerSchema>> {
  const { url, token, signal, pauses = backoff(4, 500) } = server;
  const { from, to, step } = range;
  const seconds = (date: Date): string => String(date.getTime() / 1000);
  const body = new URLSearchParams({ query, start: seconds(from), end: seconds(to), step: String(step) });
  const send = async (): Promise<z.infer<typeof answerSchema>> => {
    const response = await fetch(`${url.replace(/\/+$/, "")}/api/v1/query_range`, {
      method: "POST",
      body,
      // A redirection leads to a page for people to log in at, or turns POST into GET.
      redirect: "manual",
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
    }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new BusyError(
        `${url} cannot be reached (${rootMessage(error)}); it is to be a server with Prometheus' API`,
        {
          cause: error,
        },
      );
    });
    return readAnswer(url, response);
  };
  return retry(send, { pauses, isTransient: (error) => error instanceof BusyError, signal });
}

async function readAnswer(url: string, response: Response): Promise<z.infer<typeof answerSchema>> {
  const { status } = response;
  const text = await response.text();
  const answer = answerSchema.safeParse(parsedJson(text));
  // A wrong query is told with 400 or 422, one that takes too long with 503.
  if (answer.success && (answer.data.status === "success" ? status === 200 : status < 500)) return answer.data;
  if (status === 429 || status >= 500)
    throw new BusyError(`${url} answers ${status}, and so has no data: ${begin(text)}`);
  if (status === 401 || status === 403)
    throw new CommandError(`${url} answers ${status}; a token for it goes into ${metricsTokenVariable}`);
  const location = response.headers.get("location");
  if (location !== null) throw new CommandError(`${url} leads to ${location}; give the URL of the API itself`);
  throw new CommandError(
    `${url} answers ${status} with what is no answer of Prometheus' API to a range query: ${begin(text)}`,
  );
}

function begin(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line === "" ? "an empty body" : JSON.stringify(line.length > 80 ? `${line.slice(0, 79)}…` : line);
}
