import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { eventually } from "../support/eventually.ts";
import { createMonorepo, type Monorepo } from "../support/monorepo.ts";
import { openPipeline, type Pipeline } from "../support/pipeline.ts";
import { deploymentPath, enterSandbox, type SandboxHarness } from "../support/sandbox-harness.ts";

const namespace = "patches-sandbox";
const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "checks.patches.example" },
  spec: {
    group: "patches.example",
    names: { kind: "Check", plural: "checks", singular: "check" },
    scope: "Namespaced",
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const checks = `/apis/patches.example/v1/namespaces/${namespace}/checks`;

const sidecar = {
  kind: "Deployment",
  patch: {
    spec: { template: { spec: { containers: [{ name: "helper", command: ["sh", "-c", "exec sleep 3600"] }] } } },
  },
};

/** What no setting says, on a real cluster. The tests build on each other. */
describe("patches, and objects that a service brings along", () => {
  let harness: SandboxHarness;
  let monorepo: Monorepo;
  let pipeline: Pipeline;

  beforeAll(async () => {
    harness = await enterSandbox();
    await harness.kubernetes.request("POST", definitions, { body: definition });
    await eventually("the cluster knows the kind", async () => {
      const { status } = Object(await harness.kubernetes.request("GET", `${definitions}/${definition.metadata.name}`));
      return status?.conditions?.some(
        (one: { type: string; status: string }) => one.type === "Established" && one.status === "True",
      );
    });
    monorepo = createMonorepo(join(harness.stateDir, "monorepos", "patches"), ["cart"]);
    monorepo.write(
      "svc/cart_service/k8s/check.yaml",
      "apiVersion: patches.example/v1\nkind: Check\nmetadata: { name: cart }\nspec: { every: 1m }\n",
    );
    monorepo.write(
      "svc/cart_service/k8s/rules.yaml",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: cart-rules }\ndata: { rules: none }\n",
    );
    monorepo.write(
      "svc/cart_service/service.yaml",
      stringify({ patches: [sidecar], manifests: ["svc/cart_service/k8s/*.yaml"] }),
    );
    pipeline = openPipeline({ ...harness, name: "patches", directory: monorepo.directory });
  });

  afterAll(async () => {
    await pipeline.run("destroy");
    await harness.kubernetes.request("DELETE", `${definitions}/${definition.metadata.name}`);
    rmSync(monorepo.directory, { recursive: true });
  });

  const deployment = async () => Object(await harness.kubernetes.request("GET", deploymentPath(namespace, "cart")));

  test("are there after an update, and the pods run with them", async () => {
    const { changes, output } = await pipeline.run("up");
    expect(changes).toEqual(expect.arrayContaining(["create Check cart:cart", "create ConfigMap cart:cart-rules"]));
    expect(output).toContain("Check cart of cart is not checked: only the cluster knows patches.example/v1");
    const { spec, status } = await deployment();
    const { containers } = spec.template.spec;
    expect(containers.map(({ name }: { name: string }) => name)).toEqual(["cart", "helper"]);
    expect(containers[1].image).toBe(containers[0].image);
    expect(status.availableReplicas).toBe(1);
    expect(await harness.kubernetes.request("GET", `${checks}/cart`)).toMatchObject({ spec: { every: "1m" } });
  });

  test("change nothing where nothing changes", async () => expect((await pipeline.run("up")).changes).toEqual([]));

  test("of an environment change what a service brings along, and null takes away what is there", async () => {
    const every = { kind: "Check", patch: { spec: { every: null, hourly: true } } };
    const settings = { "delivery:services": { cart: { patches: [every] } } };
    expect((await pipeline.run("preview", { settings })).changes).toEqual(["update Check cart:cart"]);
    expect((await pipeline.run("up", { settings })).changes).toEqual(["update Check cart:cart"]);
    const { spec } = Object(await harness.kubernetes.request("GET", `${checks}/cart`));
    expect(spec).toEqual({ hourly: true });
  });

  test("that ask for more rights are said aloud, and the namespace lets the pods run", async () => {
    const root = {
      kind: "Deployment",
      patch: {
        spec: {
          template: {
            spec: { containers: [{ name: "helper", securityContext: { runAsUser: 0, runAsNonRoot: false } }] },
          },
        },
      },
    };
    const { output } = await pipeline.run("up", { settings: { "delivery:services": { cart: { patches: [root] } } } });
    expect(output).toContain(
      "cart asks for more rights than Pod Security `restricted` gives: runAsNonRoot of helper, runAsUser 0 of helper; namespace patches-sandbox enforces `baseline` because of it",
    );
    expect((await deployment()).status.availableReplicas).toBe(1);
    expect(await harness.kubernetes.request("GET", `/api/v1/namespaces/${namespace}`)).toMatchObject({
      metadata: { labels: { "pod-security.kubernetes.io/enforce": "baseline" } },
    });
  });

  test("that are wrong are refused before anything changes", async () => {
    const wrong = {
      kind: "Deployment",
      patch: {
        spec: { template: { spec: { containers: [{ name: "helper", resources: { limits: { memory: "512MB" } } }] } } },
      },
    };
    const { error } = await pipeline.fail("up", { settings: { "delivery:services": { cart: { patches: [wrong] } } } });
    expect(error).toMatch(
      /services\.cart\.patches\.0: of Deployment cart: spec\.template\.spec\.containers\.1\.resources\.limits\.memory: "512MB": is no quantity/,
    );
  });

  test("are gone when they are no longer said", async () => {
    monorepo.remove("svc/cart_service/service.yaml");
    const { changes } = await pipeline.run("up");
    expect(changes).toEqual(
      expect.arrayContaining(["delete Check cart:cart", "delete ConfigMap cart:cart-rules", "update Deployment cart"]),
    );
    expect((await deployment()).spec.template.spec.containers).toHaveLength(1);
    expect(Object(await harness.kubernetes.request("GET", checks)).items).toEqual([]);
  });
});
