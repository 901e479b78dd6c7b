import { expect, test } from "vitest";
import { variablesOf } from "../../../../../sandbox/machine/argocd/parameters.ts";

test("a workload's variables are those that it takes from the ConfigMap of parameters, as far as that has them", () => {
  const from = (name: string, key: string) => ({ valueFrom: { configMapKeyRef: { name, key, optional: true } } });
  const env = [
    { name: "PROCESSORS", ...from("argocd-cmd-params-cm", "controller.status.processors") },
    { name: "LOG_LEVEL", ...from("argocd-cmd-params-cm", "controller.log.level") },
    { name: "TIMEOUT", ...from("argocd-cm", "controller.status.processors") },
    { name: "REPLICAS", value: "1" },
    { name: "REDIS_PASSWORD", valueFrom: { secretKeyRef: { name: "argocd-redis", key: "auth" } } },
  ];
  const workload = { spec: { template: { spec: { containers: [{ name: "controller", env }] } } } };
  expect(variablesOf(workload, { "controller.status.processors": "75" })).toEqual({ PROCESSORS: "75" });
  expect(variablesOf(workload, {})).toEqual({});
  expect(variablesOf({}, { "controller.status.processors": "75" })).toEqual({});
});
