import { describe, expect, test } from "vitest";
import { errorMessage } from "../../../core/error.ts";
import { typeOfKind } from "../../../kubernetes/schema.ts";
import { mergeStrategically } from "../../../kubernetes/strategic-merge.ts";
import { strategicMergeCases } from "../../support/strategic-merge-cases.ts";

const podTemplate = (spec: object) => ({ spec: { template: { spec } } });
const merged = (base: object, patch: object, kind = "Deployment"): unknown =>
  mergeStrategically({ ...base }, { ...patch }, typeOfKind(kind === "Service" ? "v1" : "apps/v1", kind));

describe("a strategic merge patch", () => {
  test.each(strategicMergeCases.map((one) => [one.what, one] as const))("%s", (_what, { kind, base, patch, result }) =>
    expect(merged(base, patch, kind)).toEqual(result),
  );

  test("leaves what it is given as it is", () => {
    const base = podTemplate({ containers: [{ name: "link", image: "a" }] });
    const before = structuredClone(base);
    merged(base, podTemplate({ containers: [{ name: "link", image: "b" }] }));
    expect(base).toEqual(before);
  });
});

test("of a kind that Kubernetes does not know is a JSON merge patch: lists are replaced", () =>
  expect(
    mergeStrategically(
      { endpoints: [{ port: "a" }], jobLabel: "x" },
      { endpoints: [{ port: "b" }], jobLabel: null },
      undefined,
    ),
  ).toEqual({ endpoints: [{ port: "b" }] }));

const twice = [
  { containerPort: 53, protocol: "UDP" },
  { containerPort: 53, protocol: "TCP" },
];

test.each<[what: string, patch: object, message: string]>([
  [
    "an item without its key",
    podTemplate({ containers: [{ image: "proxy" }] }),
    "has no name, by which the items of containers are told apart; add it",
  ],
  [
    "an item that is no map",
    podTemplate({ containers: ["proxy"] }),
    "must be a map: items of containers are merged by name",
  ],
  [
    "one of two ports of one number",
    podTemplate({ containers: [{ name: "link", ports: [{ containerPort: 53, protocol: "UDP", hostPort: 53 }] }] }),
    "there is more than one item with containerPort 53, by which alone a patch of this form tells those of ports apart; write it as a list of operations (JSON Patch)",
  ],
  [
    "two ports of one number beside others",
    podTemplate({
      containers: [
        {
          name: "link",
          ports: [
            { containerPort: 8125, protocol: "UDP" },
            { containerPort: 8125, protocol: "TCP" },
          ],
        },
      ],
    }),
    "there is more than one item with containerPort 8125, by which alone a patch of this form tells those of ports apart; write it as a list of operations (JSON Patch)",
  ],
  ["an unknown directive", podTemplate({ $patch: "remove" }), '"remove": must be replace, delete, merge'],
  [
    "a directive of kubectl's own",
    podTemplate({ "$setElementOrder/containers": [{ name: "link" }] }),
    "is no directive that is known here; there is $patch",
  ],
])("%s is an error", (_what, patch, message) => {
  const failure = (): string => {
    try {
      return JSON.stringify(merged(podTemplate({ containers: [{ name: "link", ports: twice }] }), patch));
    } catch (error) {
      return errorMessage(error);
    }
  };
  expect(failure()).toBe(message);
});
