import { expect, test } from "vitest";
import { readTektonCi } from "../../../../cli/status/tekton-status.ts";
import type { KubernetesClient } from "../../../../kubernetes/client.ts";

const run = (name: string, minute: number, status?: string, reason?: string) => ({
  metadata: { name, creationTimestamp: `2026-01-01T10:${String(minute).padStart(2, "0")}:00Z` },
  status: {
    conditions: [
      { type: "Ready", status: "True" },
      ...(status === undefined ? [] : [{ type: "Succeeded", status, reason }]),
    ],
  },
});

async function read(items: readonly object[]) {
  const asked: string[] = [];
  const request = async (method: string, path: string) => {
    asked.push(`${method} ${path}`);
    return { items };
  };
  // Only this is asked of it.
  const client = { request } as unknown as KubernetesClient;
  const state = await readTektonCi(client, "shop", new AbortController().signal);
  expect(asked).toEqual(["GET /apis/tekton.dev/v1/namespaces/shop-ci/pipelineruns"]);
  return state;
}

test.each([
  ["True", "Completed", "ok", "deliver-b completed"],
  ["False", "Failed", "failed", "deliver-b failed"],
  ["Unknown", "Running", "progress", "deliver-b running"],
  [undefined, undefined, "progress", "deliver-b has not started"],
])("a run whose success is %s (%s) is %s", async (status, reason, state, summary) => {
  const items = [
    run("deliver-a", 1, "True", "Succeeded"),
    run("deliver-b", 2, status, reason),
    run("review-c", 3, "False", "Failed"),
    run("drift-d", 4, "False", "Failed"),
  ];
  expect(await read(items)).toEqual({ state, summary });
});

test("what is merged may have had no run yet", async () => {
  expect(await read([run("review-c", 3, "True", "Completed")])).toEqual({ state: "unknown", summary: "no run yet" });
});
