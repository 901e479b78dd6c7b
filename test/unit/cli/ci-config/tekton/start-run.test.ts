import { expect, test } from "vitest";
import type { PipelineRun } from "../../../../../cli/ci-config/tekton/objects.ts";
import { startRun } from "../../../../../cli/ci-config/tekton/start-run.ts";
import { errorMessage } from "../../../../../core/error.ts";
import type { KubernetesClient } from "../../../../../kubernetes/client.ts";
import { ApiError } from "../../../../../kubernetes/errors.ts";

const minute = 60_000;
const succeeded = { type: "Succeeded", status: "True", message: "Tasks Completed: 6" };
const run: PipelineRun = {
  apiVersion: "tekton.dev/v1",
  kind: "PipelineRun",
  metadata: { generateName: "deliver-", namespace: "shop-ci-deliver" },
  spec: {
    timeouts: { pipeline: "12h", tasks: "12h" },
    taskRunTemplate: { podTemplate: { automountServiceAccountToken: false, securityContext: { fsGroup: 1000 } } },
    pipelineSpec: { tasks: [] },
  },
};

/**
 * Starts the run, whose looks find what is said for that time; time passes only where something waits.
 * @param look what an API server answers in milliseconds after the start
 */
async function started(look: (now: number) => Record<string, unknown>) {
  const clock = { now: 0 };
  const notes: string[] = [];
  const request = async (method: string, path: string) => {
    if (method === "POST") return { metadata: { name: "deliver-x1" } };
    if (!path.endsWith("/deliver-x1")) return { items: [] };
    return { status: { conditions: [look(clock.now)] } };
  };
  // Only this is asked of it.
  const client = { request } as unknown as KubernetesClient;
  const said = {
    signal: new AbortController().signal,
    note: (line: string) => notes.push(line),
    print: () => undefined,
  };
  const end = await startRun(client, run, said, async (milliseconds) => {
    clock.now += milliseconds;
  }).then(() => "", errorMessage);
  return { end, minutes: clock.now / minute, notes };
}

const running = { type: "Succeeded", status: "Unknown", reason: "Running" };
const away = (): never => {
  throw new Error("connect ECONNREFUSED");
};

test("an API server that is away for ten minutes, twice, costs the run nothing", async () => {
  const { end, minutes, notes } = await started((now) => {
    const isAway = (now > minute && now < 11 * minute) || (now > 20 * minute && now < 30 * minute);
    if (isAway) return away();
    return now < 31 * minute ? running : succeeded;
  });
  expect(end).toBe("");
  expect(minutes).toBeGreaterThan(31);
  expect(notes[0]).toMatch(/^connect ECONNREFUSED; trying again in [\d.]+ s$/);
});

test("one that never comes back is given up after some fifteen minutes, with what it said", async () => {
  const { end, minutes } = await started(away);
  expect(end).toBe("Tekton does not run it in shop-ci-deliver: connect ECONNREFUSED");
  expect(minutes).toBeGreaterThan(11);
  expect(minutes).toBeLessThan(20);
});

test("what it refuses is final at once", async () => {
  const { end, minutes } = await started(() => {
    throw new ApiError("pipelineruns is forbidden", { status: 403, reason: "Forbidden" });
  });
  expect(end).toBe("Tekton does not run it in shop-ci-deliver: pipelineruns is forbidden");
  expect(minutes).toBe(0);
});
