import { z } from "zod";
import type { MetricsCheck } from "../../components/service/verify-settings.ts";
import { rootMessage } from "../../core/error.ts";
import { parsedJson } from "../../core/json.ts";
import { oneLine } from "../status/reading.ts";
import { filledIn, type CheckOutcome, type CheckTarget } from "./check-target.ts";

/** What a query is about. */
type MetricsTarget = Pick<CheckTarget, "service" | "namespace" | "context">;

/** Milliseconds that an answer may take. */
const timeout = 10_000;

const sampleSchema = z.tuple([z.number(), z.string()]);

/** Source: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries */
const answerSchema = z.object({
  status: z.literal("success"),
  data: z.discriminatedUnion("resultType", [
    z.object({ resultType: z.literal("vector"), result: z.array(z.object({ value: sampleSchema })) }),
    z.object({ resultType: z.literal("scalar"), result: sampleSchema }),
  ]),
});

/** Asks for a number. Where there is none, or it is none, the check has failed: no data is no good data. */
export async function metricsCheck(check: MetricsCheck, target: MetricsTarget): Promise<CheckOutcome> {
  const { server, min = -Infinity, max = Infinity } = check;
  const query = filledIn(check.query, target);
  const title = `metric ${oneLine(query)}`;
  const found = await numbersOf(server, query, target);
  if ("problem" in found) return { passed: false, detail: `${title}: ${found.problem}` };
  const [first] = found.numbers;
  if (first === undefined) return { passed: false, detail: `${title}: there are no data` };
  const bad = found.numbers.find((number) => !(number >= min && number <= max));
  const limits = [
    ...(check.min === undefined ? [] : [`at least ${check.min}`]),
    ...(check.max === undefined ? [] : [`at most ${check.max}`]),
  ].join(" and ");
  if (bad !== undefined) return { passed: false, detail: `${title}: ${bad} in place of ${limits}` };
  return { passed: true, detail: `${title}: ${found.numbers.slice(0, 3).join(", ")}, ${limits}` };
}

async function numbersOf(
  server: string,
  query: string,
  { context }: MetricsTarget,
): Promise<{ readonly numbers: readonly number[] } | { readonly problem: string }> {
  const url = `${server}/api/v1/query?${new URLSearchParams({ query }).toString()}`;
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(timeout), context.signal]);
    const response = await fetch(url, { signal, redirect: "manual" });
    if (response.status !== 200) return { problem: `${server} answers ${response.status}` };
    const parsed = answerSchema.safeParse(parsedJson(await response.text()));
    if (!parsed.success) return { problem: `${server} answers no instant vector or scalar of Prometheus` };
    const { data } = parsed.data;
    const samples = data.resultType === "scalar" ? [data.result] : data.result.map(({ value }) => value);
    return {
      numbers: samples.map(([, value]) => (value === "+Inf" ? Infinity : value === "-Inf" ? -Infinity : Number(value))),
    };
  } catch (error) {
    if (context.signal.aborted) throw error;
    return { problem: `${server} does not answer (${oneLine(rootMessage(error))})` };
  }
}
