import { expect, test } from "vitest";
import { judgeEndpoints } from "../../../../../sandbox/providers/kubernetes/object-readiness.ts";
import { timeoutOf } from "../../../../../sandbox/providers/kubernetes/readiness.ts";
import { checkWaitFor } from "../../../../../sandbox/providers/kubernetes/wait-for.ts";
import {
  judgeDaemonSet,
  judgeDeployment,
  judgeJob,
  judgePod,
  judgeStatefulSet,
  podProblems,
} from "../../../../../sandbox/providers/kubernetes/workload-readiness.ts";
import type { PropertyMap } from "../../../../../sandbox/providers/property.ts";

function deployment(status: PropertyMap, progressing: string, generation = 2) {
  return {
    metadata: { name: "web", generation },
    spec: { replicas: 2 },
    status: {
      observedGeneration: 2,
      ...status,
      conditions: [
        { type: "Available", status: "True" },
        { type: "Progressing", reason: progressing, message: "the reason" },
      ],
    },
  };
}
const complete = { updatedReplicas: 2, availableReplicas: 2 };

test.each([
  ["rolled out", deployment(complete, "NewReplicaSetAvailable"), "ready"],
  ["not seen by the controller", deployment(complete, "NewReplicaSetAvailable", 3), "waiting"],
  ["still rolling out", deployment(complete, "ReplicaSetUpdated"), "waiting"],
  ["too few available", deployment({ updatedReplicas: 2, availableReplicas: 1 }, "NewReplicaSetAvailable"), "waiting"],
  ["over its deadline", deployment({ updatedReplicas: 1 }, "ProgressDeadlineExceeded"), "failed"],
  ["paused", deployment({}, "DeploymentPaused"), "ready"],
])("a Deployment that is %s", (_case, object, state) => {
  expect(judgeDeployment(object).state).toBe(state);
});

test.each([
  ["complete", { replicas: 2, readyReplicas: 2, updatedReplicas: 2 }, {}, "ready"],
  ["with old pods", { replicas: 2, readyReplicas: 2, updatedReplicas: 1 }, {}, "waiting"],
  [
    "with a partition",
    { replicas: 2, readyReplicas: 2, updatedReplicas: 1 },
    { updateStrategy: { rollingUpdate: { partition: 1 } } },
    "ready",
  ],
  ["with OnDelete", { replicas: 2, readyReplicas: 2 }, { updateStrategy: { type: "OnDelete" } }, "ready"],
  ["with too few ready", { replicas: 2, readyReplicas: 1, updatedReplicas: 2 }, {}, "waiting"],
])("a StatefulSet %s", (_case, status, spec, state) => {
  expect(
    judgeStatefulSet({
      metadata: { generation: 1 },
      spec: { replicas: 2, ...spec },
      status: { observedGeneration: 1, ...status },
    }).state,
  ).toBe(state);
});

test("a DaemonSet waits for each node's pod", () => {
  const status = {
    observedGeneration: 1,
    desiredNumberScheduled: 2,
    updatedNumberScheduled: 2,
    numberAvailable: 2,
    numberReady: 2,
  };
  expect(judgeDaemonSet({ metadata: { generation: 1 }, spec: {}, status }).state).toBe("ready");
  expect(
    judgeDaemonSet({ metadata: { generation: 1 }, spec: {}, status: { ...status, numberAvailable: 1 } }).state,
  ).toBe("waiting");
});

test("a Service waits for pods that are not ready, and settles without any", () => {
  const slice = (...ready: boolean[]) => [{ endpoints: ready.map((each) => ({ conditions: { ready: each } })) }];
  expect(judgeEndpoints(slice(true, true)).state).toBe("ready");
  expect(judgeEndpoints(slice(true, false)).state).toBe("waiting");
  expect(judgeEndpoints(slice()).state).toBe("settled");
  expect(judgeEndpoints([]).state).toBe("waiting");
});

test("a Job is ready when complete, and fails at once when failed", () => {
  expect(judgeJob({ status: { conditions: [{ type: "Complete", status: "True" }] } }).state).toBe("ready");
  expect(
    judgeJob({
      status: { conditions: [{ type: "Failed", status: "True", reason: "BackoffLimitExceeded", message: "no more" }] },
    }),
  ).toEqual({
    state: "failed",
    message: "[BackoffLimitExceeded] no more",
  });
  expect(judgeJob({}).state).toBe("waiting");
});

test("a pod's problem is told in the kubelet's words", () => {
  const pod = {
    metadata: { name: "web-1", namespace: "shop" },
    status: {
      phase: "Pending",
      conditions: [{ type: "Ready", status: "False", message: "containers with unready status: [c]" }],
      containerStatuses: [
        {
          name: "c",
          ready: false,
          state: { waiting: { reason: "CrashLoopBackOff", message: "back-off" } },
          lastState: { terminated: { exitCode: 2, reason: "Error", message: "panic" } },
        },
      ],
    },
  };
  expect(podProblems(pod)).toEqual([
    "pod shop/web-1: containers with unready status: [c]; container c: [CrashLoopBackOff] back-off; container c ended with exit code 2 (Error): panic",
  ]);
  expect(judgePod(pod).state).toBe("waiting");
  expect(podProblems({ status: { conditions: [{ type: "Ready", status: "True" }] } })).toEqual([]);
});

test("custom timeouts win over the annotation, and that over ten minutes", () => {
  const annotated = { metadata: { annotations: { "pulumi.com/timeoutSeconds": "30" } } };
  expect([timeoutOf(annotated, 5), timeoutOf(annotated, 0), timeoutOf({}, 0)]).toEqual([5, 30, 600]);
});

test.each([
  ["jsonpath={.status.phase}=Running"],
  ["jsonpath={.status.ip}"],
  ["condition=Ready"],
  ["condition=Ready=False"],
  ['["condition=A", "jsonpath={.b}"]'],
])("waitFor understands %s", (annotation) => {
  expect(() => checkWaitFor(annotation)).not.toThrow();
});

test.each([["jsonpath=.status"], ["ready"], ["[]"], ["[broken"], ["jsonpath={..deep}"]])(
  "waitFor refuses %s",
  (annotation) => {
    expect(() => checkWaitFor(annotation)).toThrow(/waitFor|not understood/);
  },
);
