import { expect, test } from "vitest";
import {
  declaredImages,
  environmentPolicy,
  imageList,
  otherPodsBinding,
  previewsPolicy,
  serviceBindings,
} from "../../../../components/manifests/admission.ts";
import { serviceObjects } from "../../../../components/manifests/service-objects.ts";
import { podTemplateOf } from "../../../../kubernetes/pod-template.ts";
import { labelsAt } from "../../../../kubernetes/object.ts";
import type { Service } from "../../../../components/service/service.ts";
import { sampleContext, sampleService } from "../../../support/sample-shop.ts";

const enforce = { action: "enforce", images: [] } as const;
const audit = { action: "audit", images: [] } as const;
const repository = "docker.io/acme/shop-link";

/** A service with a sidecar by a patch, and a CronJob and a custom resource that it brings along. */
function link(): Service {
  const pods = (image: string) => ({ spec: { containers: [{ name: "main", image }] } });
  return sampleService("link", {
    migrations: { command: ["/app", "migrate"] },
    allPatches: [
      {
        location: "service.yaml: patches.0",
        shared: false,
        kind: "Deployment",
        patch: { spec: { template: { spec: { containers: [{ name: "proxy", image: "envoy:1.38" }] } } } },
      },
    ],
    ownObjects: [
      {
        file: "own.yaml",
        object: {
          apiVersion: "batch/v1",
          kind: "CronJob",
          metadata: { name: "report" },
          spec: { schedule: "0 4 * * *", jobTemplate: { spec: { template: pods(repository) } } },
        },
      },
      {
        file: "own.yaml",
        object: {
          apiVersion: "acme.example/v1",
          kind: "Runner",
          metadata: { name: "r" },
          spec: { template: pods("r:1") },
        },
      },
    ],
  });
}

const db = { image: "postgres:18", port: 5432, env: {}, secrets: {}, scratch: [] };

test("what the stack names is declared, and what release records name is not", () => {
  const context = sampleContext([link(), sampleService("user")], { dependencies: { db, cache: "none" } });
  expect(declaredImages(context, () => repository)).toEqual(["envoy:1.38", "postgres:18", "r:1"]);
  // Without a deploy repository nothing puts a digest into what is brought along.
  expect(declaredImages(context, () => undefined)).toEqual([repository, "envoy:1.38", "postgres:18", "r:1"]);
});

test("a list of images is one of CEL, each once", () => expect(imageList(["a", "b", "a"])).toBe(`["a","b"]`));

test("the pods of a service, of its migrations, and of what it brings along have a binding each", () => {
  const context = sampleContext([link()]);
  const bound = serviceBindings(context, link(), enforce).map(({ part, spec }) => [
    part,
    spec.matchResources,
    spec.paramRef,
  ]);
  const selector = (key: string, value: string) => ({
    objectSelector: { matchExpressions: [{ key, operator: "In", values: [value] }] },
  });
  const param = (name: string) => ({ name, namespace: "shop-dev", parameterNotFoundAction: "Deny" });
  expect(bound).toEqual([
    ["link", selector("app.kubernetes.io/name", "link"), param("link.images")],
    ["link-migration", selector("app.kubernetes.io/name", "link-migration"), param("link-migration.images")],
    ["link.own", selector("delivery/images-of", "link"), param("link.images")],
  ]);
});

test("all other pods have one, without a list of their own", () => {
  const { part, spec } = otherPodsBinding(sampleContext([link(), sampleService("user")]), enforce);
  expect(part).toBe("other.pods");
  expect(spec.paramRef).toBeUndefined();
  expect(spec.matchResources).toEqual({
    objectSelector: {
      matchExpressions: [
        { key: "app.kubernetes.io/name", operator: "NotIn", values: ["link", "link-migration", "user"] },
        { key: "delivery/images-of", operator: "NotIn", values: ["link"] },
      ],
    },
  });
  expect(otherPodsBinding(sampleContext([]), enforce).spec.matchResources).toBeUndefined();
});

test("what the cluster does is what the stack file says", () => {
  const actions = (settings: typeof enforce | typeof audit) =>
    serviceBindings(sampleContext([]), sampleService("link"), settings).map(({ spec }) => spec.validationActions);
  expect(actions(enforce)).toEqual([["Deny", "Audit"]]);
  expect(actions(audit)).toEqual([["Warn", "Audit"]]);
  const policy = (settings: typeof enforce | typeof audit) => environmentPolicy(sampleContext([]), settings, "[]").spec;
  expect(policy(enforce)).toMatchObject({ failurePolicy: "Fail" });
  expect(policy(audit)).toMatchObject({ failurePolicy: "Ignore" });
});

test("names on the cluster are those of the namespace, of which there is one", () => {
  expect(environmentPolicy(sampleContext([]), enforce, "[]").metadata).toMatchObject({ name: "shop-dev.images" });
  expect(previewsPolicy("shop", enforce).metadata).toMatchObject({ name: "shop-previews.images" });
});

test("pods of what a service brings along say whose images they have, where the cluster asks", () => {
  const labels = (asked: boolean): unknown => {
    const service = link();
    const context = sampleContext([service], asked ? { admission: enforce } : {});
    const [report] = serviceObjects(context, service, { image: repository }).own;
    return report === undefined ? undefined : labelsAt(podTemplateOf(report) ?? {});
  };
  expect(labels(true)).toMatchObject({ "delivery/images-of": "link" });
  expect(labels(false)).not.toHaveProperty("delivery/images-of");
});
