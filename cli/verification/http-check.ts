import { z } from "zod";
import type { HttpCheck } from "../../components/service/verify-settings.ts";
import { rootMessage } from "../../core/error.ts";
import { parsedJson } from "../../core/json.ts";
import { asApiError } from "../../kubernetes/answer.ts";
import type { PlainAnswer } from "../../kubernetes/client.ts";
import { listAt, nameOf, numberAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import { oneLine } from "../status/reading.ts";
import { filledIn, type CheckOutcome, type CheckTarget } from "./check-target.ts";

/** Milliseconds that an answer may take. */
const timeout = 10_000;

/** Asks one URL, or every pod by itself: behind a Service, one that is bad would be met by chance alone. */
export async function httpCheck(check: HttpCheck, target: CheckTarget): Promise<CheckOutcome> {
  if (check.url !== undefined) {
    const url = filledIn(check.url, target);
    return outcomeOf(`GET ${url}`, check, await answerOf((signal) => fetchPlain(url, signal), target));
  }
  const { path = "/" } = check;
  const { pods } = target;
  // Without a pod there is no answer, and no answer is no good one.
  if (pods.length === 0) return { passed: false, detail: `GET ${path}: there is no pod to ask` };
  const outcomes = await Promise.all(pods.map((pod) => podOutcome(check, path, pod, target)));
  const failed = outcomes.find(({ passed }) => !passed);
  return failed ?? { passed: true, detail: `GET ${path} of ${pods.length} pods: ${check.status ?? 200}` };
}

async function podOutcome(
  check: HttpCheck,
  path: string,
  pod: KubernetesObject,
  target: CheckTarget,
): Promise<CheckOutcome> {
  const { client, namespace } = target;
  const title = `GET ${path} of pod ${nameOf(pod)}`;
  const port = target.port ?? portOf(pod, target.service);
  if (port === undefined) return { passed: false, detail: `${title}: its container names no port` };
  const proxy = `/api/v1/namespaces/${namespace}/pods/${nameOf(pod)}:${port}/proxy${path}`;
  return outcomeOf(
    title,
    check,
    await answerOf(async (signal) => proxied(await client.answer(proxy, { signal }), target), target),
  );
}

/**
 * The API server itself answers by a Status where it may not, or cannot reach the pod.
 * @throws ApiError where the user may not ask: that says nothing of the pod
 */
function proxied(answer: PlainAnswer, { client }: CheckTarget): PlainAnswer | { readonly problem: string } {
  if (!statusSchema.safeParse(parsedJson(answer.text)).success) return answer;
  const refusal = asApiError(answer.status, answer.text, client.connection);
  if ([401, 403].includes(answer.status)) throw refusal;
  return { problem: oneLine(refusal.message) };
}

const statusSchema = z.looseObject({ kind: z.literal("Status"), apiVersion: z.literal("v1") });

type Asked = PlainAnswer | { readonly problem: string };

async function answerOf(ask: (signal: AbortSignal) => Promise<Asked>, { context }: CheckTarget): Promise<Asked> {
  const late = AbortSignal.timeout(timeout);
  try {
    return await ask(AbortSignal.any([late, context.signal]));
  } catch (error) {
    if (context.signal.aborted || !late.aborted) throw error;
    return { problem: `no answer within ${timeout / 1000} s` };
  }
}

/** Redirects are not followed: where a login page is, the service has not answered. */
async function fetchPlain(url: string, signal: AbortSignal): Promise<Asked> {
  try {
    const response = await fetch(url, { signal, redirect: "manual" });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    if (signal.aborted) throw error;
    return { problem: oneLine(rootMessage(error)) };
  }
}

/** What the body says is not repeated: it may be anything. */
function outcomeOf(title: string, { status: good = 200, contains }: HttpCheck, asked: Asked): CheckOutcome {
  if ("problem" in asked) return { passed: false, detail: `${title}: ${asked.problem}` };
  if (asked.status !== good) return { passed: false, detail: `${title}: ${asked.status} in place of ${good}` };
  if (contains !== undefined && !asked.text.includes(contains))
    return {
      passed: false,
      detail: `${title}: ${asked.status}, but the answer does not hold ${JSON.stringify(contains)}`,
    };
  return { passed: true, detail: `${title}: ${asked.status}` };
}

function portOf(pod: KubernetesObject, service: string): number | undefined {
  const container = listAt(pod, "spec", "containers").find((one) => stringAt(one, "name") === service);
  return container && listAt(container, "ports").flatMap((port) => numberAt(port, "containerPort") ?? [])[0];
}
