import { expect, test } from "vitest";
import { memoryHints } from "../../../../cli/status/out-of-memory.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";

const killed = { terminated: { reason: "OOMKilled", exitCode: 137 } };

function pod(status: JsonMap, limits: JsonMap = { memory: "128Mi" }): JsonMap {
  return {
    metadata: { labels: { "app.kubernetes.io/name": "link" } },
    spec: { containers: [{ name: "proxy" }, { name: "link", resources: { limits } }] },
    status: {
      containerStatuses: [
        { name: "proxy", restartCount: 7 },
        { name: "link", restartCount: 0, ...status },
      ],
    },
  };
}

test.each<[what: string, pod: JsonMap, hint: string | undefined]>([
  [
    "is down",
    pod({ state: killed }),
    "a pod was killed at its memory limit of 128Mi (OOMKilled); raise resources.limits.memory of the service",
  ],
  [
    "was killed again and again",
    pod({ state: { waiting: { reason: "CrashLoopBackOff" } }, lastState: killed, restartCount: 4 }),
    "a pod was killed at its memory limit of 128Mi (OOMKilled), and started again 4 times; raise resources.limits.memory of the service",
  ],
  [
    "runs again, without a limit of its own",
    pod({ state: { running: {} }, lastState: killed, restartCount: 1 }, {}),
    "a pod was killed at its memory limit (OOMKilled); raise resources.limits.memory of the service",
  ],
  ["ended for another reason", pod({ lastState: { terminated: { reason: "Error" } }, restartCount: 1 }), undefined],
  ["never ended", pod({ state: { running: {} } }), undefined],
])("of a container that %s", (_what, object, hint) => expect(memoryHints([object]).get("link")).toBe(hint));

test("is told by service, and of what belongs to none, nothing", () => {
  const other = { ...pod({ state: killed }), metadata: {} };
  expect([...memoryHints([other, pod({ state: killed })]).keys()]).toEqual(["link"]);
});
