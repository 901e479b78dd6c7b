import { describe, expect, test } from "vitest";
import { contradictingResources, podResources, resourcesSchema } from "../../../../components/service/resources.ts";

function problem(side: "requests" | "limits", resource: string, amount: unknown): string {
  const parsed = resourcesSchema.safeParse({ [side]: { [resource]: amount } });
  return parsed.success ? "" : parsed.error.issues.map(({ message }) => message).join("; ");
}

describe("an amount that can be meant is taken", () => {
  test.each(["1m", "100m", "1500m", "0.5", "0.001", "1", "2.5", "64", "128000m"])("cpu %s", (amount) => {
    expect([problem("requests", "cpu", amount), problem("limits", "cpu", amount)]).toEqual(["", ""]);
  });
  // In floating point, 16.1 × 1e9 is a trifle more than 16.1e9.
  test.each(["1Mi", "64Mi", "0.5Gi", "1.5Gi", "2Ti", "128M", "1G", "16.1G", "2000k", "134217728", "1024Ki"])(
    "memory %s",
    (amount) => {
      expect([problem("requests", "memory", amount), problem("limits", "ephemeral-storage", amount)]).toEqual(["", ""]);
    },
  );
});

describe("an amount that cannot be meant is refused, with the way out", () => {
  test.each([
    ["0", /more than nothing/],
    ["0m", /more than nothing/],
    ["0.0", /more than nothing/],
    ["-1", /such as 500m/],
    ["-100m", /such as 500m/],
    ["+1", /such as 500m/],
    ["0.5m", /whole thousandths/],
    ["0.0001", /whole thousandths/],
    ["100", /100 whole cores; write 100m .* or 100000m if it is meant/],
    ["500", /write 500m/],
    ["1e3", /such as 500m/],
    ["1E3", /such as 500m/],
    ["500Mi", /such as 500m/],
    ["1Gi", /such as 500m/],
    ["1k", /such as 500m/],
    ["100M", /such as 500m/],
    ["100u", /such as 500m/],
    ["100 m", /such as 500m/],
    ["", /such as 500m/],
    [".5", /such as 500m/],
    ["1.", /such as 500m/],
    [1, /in quotes, such as "500m"/],
    [0.5, /in quotes/],
    [null, /in quotes/],
  ])("cpu %j", (amount, reason) => {
    for (const side of ["requests", "limits"] as const) expect(problem(side, "cpu", amount)).toMatch(reason);
  });
  test.each([
    ["0", /more than nothing/],
    ["0Mi", /more than nothing/],
    ["-1", /such as 64Mi/],
    ["-64Mi", /such as 64Mi/],
    ["100m", /thousandths of a byte; write 100Mi/],
    ["128", /less than 1Mi.* write 128Mi/],
    ["512Ki", /less than 1Mi/],
    ["128k", /less than 1Mi/],
    ["64MB", /unit that Kubernetes does not know; write 64Mi/],
    ["64mb", /write 64Mi/],
    ["64Mb", /write 64Mi/],
    ["64MiB", /write 64Mi/],
    ["64mi", /write 64Mi/],
    ["1gi", /write 1Gi/],
    ["1GB", /write 1Gi/],
    ["1g", /write 1Gi/],
    ["64K", /write 64Ki/],
    ["64kb", /write 64Ki/],
    ["1Pi", /such as 64Mi/],
    ["1E", /such as 64Mi/],
    ["1Ei", /such as 64Mi/],
    ["1e9", /such as 64Mi/],
    ["128E6", /such as 64Mi/],
    ["1e+9", /such as 64Mi/],
    ["128Ti", /more than any machine/],
    ["64 Mi", /such as 64Mi/],
    ["64Mi ", /such as 64Mi/],
    ["1_000Mi", /such as 64Mi/],
    ["0.3Mi", /less than 1Mi/],
    ["1.0000001Mi", /no whole number of bytes/],
    ["1.1Gi", /no whole number of bytes/],
    ["", /such as 64Mi/],
    [134217728, /in quotes, such as "64Mi"/],
  ])("memory %j", (amount, reason) => {
    for (const resource of ["memory", "ephemeral-storage"]) expect(problem("limits", resource, amount)).toMatch(reason);
  });
  test("a resource of another name", () => {
    expect(problem("limits", "memori", "64Mi")).toMatch(/unrecognized key/i);
  });
});

test.each<[what: string, set: Parameters<typeof podResources>[0], expected: unknown]>([
  ["nothing", undefined, { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "128Mi" } }],
  [
    "a request above the default limit",
    { requests: { memory: "256Mi" } },
    { requests: { cpu: "10m", memory: "256Mi" }, limits: { memory: "256Mi" } },
  ],
  [
    "a request below it",
    { requests: { memory: "64Mi" } },
    { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "128Mi" } },
  ],
  [
    "a limit below the default request",
    { limits: { memory: "16Mi" } },
    { requests: { cpu: "10m", memory: "16Mi" }, limits: { memory: "16Mi" } },
  ],
  [
    "a limit above it",
    { limits: { memory: "1Gi" } },
    { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "1Gi" } },
  ],
  [
    "a limit of CPU below the default request",
    { limits: { cpu: "5m" } },
    { requests: { cpu: "5m", memory: "32Mi" }, limits: { cpu: "5m", memory: "128Mi" } },
  ],
  [
    "a limit of CPU in cores",
    { limits: { cpu: "0.5" } },
    { requests: { cpu: "10m", memory: "32Mi" }, limits: { cpu: "0.5", memory: "128Mi" } },
  ],
  [
    "a request in another unit",
    { requests: { memory: "0.2G" } },
    { requests: { cpu: "10m", memory: "0.2G" }, limits: { memory: "0.2G" } },
  ],
  [
    "both",
    { requests: { cpu: "1", memory: "1Gi" }, limits: { memory: "2Gi" } },
    { requests: { cpu: "1", memory: "1Gi" }, limits: { memory: "2Gi" } },
  ],
  [
    "storage alone",
    { requests: { "ephemeral-storage": "1Gi" } },
    { requests: { cpu: "10m", memory: "32Mi", "ephemeral-storage": "1Gi" }, limits: { memory: "128Mi" } },
  ],
])("defaults follow what is set: %s", (_what, set, expected) => {
  expect(podResources(set)).toEqual(expected);
  expect(contradictingResources(podResources(set))).toEqual([]);
});

test.each<[requests: Record<string, string>, limits: Record<string, string>, expected: string[]]>([
  [{ memory: "129Mi" }, { memory: "128Mi" }, ["memory"]],
  [{ memory: "128Mi" }, { memory: "128Mi" }, []],
  [{ memory: "1G" }, { memory: "1Gi" }, []],
  [{ memory: "1Gi" }, { memory: "1G" }, ["memory"]],
  [{ cpu: "1" }, { cpu: "999m" }, ["cpu"]],
  [{ cpu: "0.5" }, { cpu: "500m" }, []],
  // As floating point numbers, the products are a trifle beside.
  [{ cpu: "2010m" }, { cpu: "2.01" }, []],
  [{ memory: "1.07G" }, { memory: "1070M" }, []],
  [{ memory: "4100M" }, { memory: "4.1G" }, []],
  [
    { cpu: "2", memory: "2Gi", "ephemeral-storage": "2Gi" },
    { cpu: "1", memory: "1Gi", "ephemeral-storage": "1Gi" },
    ["cpu", "memory", "ephemeral-storage"],
  ],
  [{ memory: "2Gi" }, { cpu: "1" }, []],
])("requests %j above limits %j: %j", (requests, limits, expected) => {
  expect(contradictingResources({ requests, limits })).toEqual(expected);
});
