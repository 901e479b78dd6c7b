import { describe, expect, test } from "vitest";
import { fieldProblems } from "../../../kubernetes/field-problems.ts";
import { serviceManifests } from "../../../components/manifests/manifests.ts";
import { manifestKinds } from "../../../components/manifests/manifest-files.ts";
import type { ServiceManifests } from "../../../components/manifests/manifests.ts";
import { sampleContext, sampleService } from "../../support/sample-shop.ts";

const messages = (spec: object): string[] =>
  fieldProblems("v1", "Pod", { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec }).map(
    ({ path, message }) => `${path.join(".")}: ${message}`,
  );
const container = (settings: object): object => ({ containers: [{ name: "a", image: "a", ...settings }] });

describe("no problem", () => {
  test.each<[what: string, spec: object]>([
    ["a plain pod", container({})],
    ["what is null", { ...container({ command: null }), nodeSelector: null }],
    [
      "quantities in every form",
      container({
        resources: { limits: { cpu: 1, memory: "1.5Gi", a: "100m", b: "1e3", c: "12E", d: "-1", e: ".5" } },
      }),
    ],
    [
      "ports by name and by number",
      container({ livenessProbe: { httpGet: { port: 80 } }, readinessProbe: { httpGet: { port: "http" } } }),
    ],
    ["one of the words that Kubernetes knows", container({ imagePullPolicy: "IfNotPresent" })],
    ["an empty word, which is the default", { ...container({}), restartPolicy: "" }],
    ["maps of any keys", { ...container({}), nodeSelector: { "example.com/disk": "ssd" } }],
    ["what Kubernetes writes into objects", { ...container({}), nodeName: "a", dnsPolicy: "ClusterFirst" }],
  ])("is %s", (_what, spec) => expect(messages(spec)).toEqual([]));

  test("is any object that this program makes", () => {
    const service = sampleService("link", {
      autoscaling: { min: 1, max: 2 },
      expose: true,
      probes: { liveness: "/healthz" },
      secrets: { KEY: "key" },
      egress: [{ cidr: "10.0.0.0/8", port: 443 }],
    });
    const ingress = { className: "nginx", domain: "shop.example", namespace: "ingress" };
    const manifests = serviceManifests(sampleContext([service], { ingress }), service, { image: "a" });
    const found = Object.entries(manifests).flatMap(([key, manifest]: [string, object]) => {
      const [apiVersion, kind] = manifestKinds[key as keyof ServiceManifests];
      return fieldProblems(apiVersion, kind, { apiVersion, kind, ...manifest });
    });
    expect(Object.keys(manifests).length).toBeGreaterThanOrEqual(8);
    expect(found).toEqual([]);
  });

  test("is a kind that Kubernetes does not know", () =>
    expect(fieldProblems("monitoring.coreos.com/v1", "ServiceMonitor", { anything: 1 })).toEqual([]));
});

describe("a problem", () => {
  test.each<[what: string, spec: object, message: string]>([
    ["an unknown field", container({ iamge: "a" }), "spec.containers.0.iamge: unknown field; did you mean image?"],
    [
      "a field in another case",
      container({ volumemounts: [] }),
      "spec.containers.0.volumemounts: unknown field; did you mean volumeMounts?",
    ],
    [
      "a field that is like none",
      { ...container({}), zzz: 1 },
      "spec.zzz: unknown field; there are activeDeadlineSeconds, affinity, ",
    ],
    ["a field like those of all objects", { ...container({}), constructor: {} }, "spec.constructor: unknown field"],
    ["a missing field", { containers: [{ image: "a" }] }, "spec.containers.0.name: missing; add it"],
    ["a list that is a map", { containers: {} }, "spec.containers: {}: must be a list"],
    [
      "a map that is a list",
      { ...container({}), nodeSelector: [] },
      "spec.nodeSelector: []: must be a map of keys and values",
    ],
    [
      "a word that Kubernetes does not know",
      container({ imagePullPolicy: "Sometimes" }),
      'spec.containers.0.imagePullPolicy: "Sometimes": must be one of Always, IfNotPresent, Never',
    ],
    [
      "a word in another case",
      { ...container({}), dnsPolicy: "clusterfirst" },
      'spec.dnsPolicy: "clusterfirst": did you mean ClusterFirst?',
    ],
    [
      "a number for a word",
      { ...container({}), restartPolicy: 1 },
      "spec.restartPolicy: 1: must be one of Always, Never, OnFailure",
    ],
    [
      "a number that is a text",
      container({ ports: [{ containerPort: "80" }] }),
      'spec.containers.0.ports.0.containerPort: "80": must be a whole number',
    ],
    [
      "a text that is a number",
      container({ env: [{ name: "A", value: 1 }] }),
      "spec.containers.0.env.0.value: 1: must be a string; quote it",
    ],
    [
      "a boolean that is a text",
      { ...container({}), hostNetwork: "true" },
      'spec.hostNetwork: "true": must be true or false',
    ],
    [
      "a unit that is none",
      container({ resources: { limits: { memory: "512MB" } } }),
      'spec.containers.0.resources.limits.memory: "512MB": is no quantity; it takes a unit such as m for thousandths, Mi or Gi',
    ],
    ["an amount with a space", container({ resources: { limits: { memory: "64 Mi" } } }), '"64 Mi": is no quantity'],
    [
      "a port that is a fraction",
      container({ livenessProbe: { httpGet: { port: 80.5 } } }),
      "80.5: must be a whole number or a string",
    ],
  ])("is %s", (_what, spec, message) => expect(messages(spec).join("\n")).toContain(message));
});
