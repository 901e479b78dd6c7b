import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { previewBounds } from "../../components/manifests/preview-bounds.ts";
import { previewNamespaceLabel } from "../../core/names.ts";
import { errorMessage } from "../../core/error.ts";
import { eventually } from "../support/eventually.ts";
import { enterSandbox, type SandboxHarness } from "../support/sandbox-harness.ts";

const app = "bounds";
const domain = "dev.shop.example";
const policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
const bindings = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";
const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const routes = "httproutes.gateway.networking.k8s.io";

/** The policy as it is declared, and the real API server's decisions. */
describe("what a pull request's environment asks for", () => {
  let harness: SandboxHarness;
  const made: string[] = [];

  const make = async (path: string, body: { metadata?: object }): Promise<void> => {
    await harness.kubernetes.request("POST", path, { body });
    made.push(`${path}/${String(Reflect.get(Object(body.metadata), "name"))}`);
  };
  /** Why the API server takes no such thing; empty: it does. Nothing is made. */
  const refusal = async (path: string, body: object): Promise<string> =>
    harness.kubernetes.request("POST", path, { query: { dryRun: "All" }, body }).then(
      () => "",
      (error: unknown) => errorMessage(error),
    );
  const namespace = (name: string, enforce?: string, label = true): Promise<string> =>
    refusal("/api/v1/namespaces", {
      metadata: {
        name,
        labels: {
          ...(label ? previewNamespaceLabel(app) : {}),
          ...(enforce === undefined ? {} : { "pod-security.kubernetes.io/enforce": enforce }),
        },
      },
    });
  const inPreview = (apiVersion: string, kind: string, spec: object, where = `${app}-pr-7`): Promise<string> =>
    refusal(
      `/${apiVersion === "v1" ? "api" : "apis"}/${apiVersion}/namespaces/${where}/${kind === "Ingress" ? "ingresse" : kind.toLowerCase()}s`,
      { apiVersion, kind, metadata: { name: "any" }, spec },
    );
  const route = (hostnames: readonly string[] | undefined, where?: string): Promise<string> =>
    inPreview("gateway.networking.k8s.io/v1", "HTTPRoute", hostnames === undefined ? {} : { hostnames }, where);
  const ingress = (host: string | undefined): Promise<string> =>
    inPreview("networking.k8s.io/v1", "Ingress", {
      rules: [
        {
          ...(host === undefined ? {} : { host }),
          http: {
            paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "a", port: { number: 80 } } } }],
          },
        },
      ],
    });
  const ports = [{ port: 80 }];

  beforeAll(async () => {
    harness = await enterSandbox();
    const hasRoutes = await harness.kubernetes.request("GET", `${crds}/${routes}`).then(
      () => true,
      () => false,
    );
    if (!hasRoutes)
      await make(crds, {
        metadata: {
          name: routes,
          annotations: { "api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/1" },
        },
        spec: {
          group: "gateway.networking.k8s.io",
          names: { kind: "HTTPRoute", plural: "httproutes" },
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
      } as { metadata: object });
    for (const name of [`${app}-pr-7`, `${app}-prod`])
      await make("/api/v1/namespaces", {
        metadata: { name, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
      });
    const bounds = previewBounds({ app, gateway: { domain }, ingress: { domain }, admission: true });
    await make(policies, bounds.policy as { metadata: object });
    await make(bindings, bounds.binding as { metadata: object });
    await eventually("the policy is in force", async () => (await namespace(`${app}-pr-8`)) !== "");
    await eventually("routes are served", async () => !(await route(["pr-7-link.dev.shop.example"])).includes("404"));
  });
  afterAll(async () => {
    for (const path of made.toReversed()) await harness.kubernetes.request("DELETE", path);
  });

  test("is pods that no node has to fear, in namespaces whose images are looked at", async () => {
    expect(await namespace(`${app}-pr-8`, "restricted")).toBe("");
    expect(await namespace(`${app}-pr-8`, "baseline")).toBe("");
    for (const level of ["privileged", undefined])
      expect(await namespace(`${app}-pr-8`, level)).toContain(
        "in the environment of a pull request, the namespace must enforce Pod Security restricted or baseline (label pod-security.kubernetes.io/enforce)",
      );
    expect(await namespace(`${app}-pr-8`, "restricted", false)).toContain(
      "must have the label delivery/previews-of: bounds",
    );
  });

  test("is hosts of its own alone", async () => {
    expect(await route(["pr-7-link.dev.shop.example"])).toBe("");
    expect(await ingress("link.pr-7.dev.shop.example")).toBe("");
    for (const hosts of [
      ["link.dev.shop.example"],
      ["pr-7-link.dev.shop.example", "shop.example"],
      ["pr-70-link.dev.shop.example"],
      ["pr-8-link.dev.shop.example"],
      ["pr-7-link.shop.example"],
      ["*.dev.shop.example"],
      [],
      undefined,
    ])
      expect(await route(hosts)).toContain("a route must have hosts of its own alone");
    for (const host of ["link.dev.shop.example", "shop.example", "link.pr-8.dev.shop.example", undefined])
      expect(await ingress(host)).toContain("an Ingress must have hosts of its own alone");
    const backend = { service: { name: "a", port: { number: 80 } } };
    expect(await inPreview("networking.k8s.io/v1", "Ingress", { defaultBackend: backend })).toContain(
      "of its own alone",
    );
  });

  test("is no address of others", async () => {
    expect(await inPreview("v1", "Service", { ports })).toBe("");
    expect(await inPreview("v1", "Service", { ports, externalIPs: ["10.0.0.1"] })).toContain(
      "must have no externalIPs",
    );
  });

  test("is no matter where it is no pull request's", async () => {
    expect(await namespace(`${app}-prod2`, "privileged")).toBe("");
    expect(await route(["shop.example"], `${app}-prod`)).toBe("");
    expect(await inPreview("v1", "Service", { ports, externalIPs: ["10.0.0.1"] }, `${app}-prod`)).toBe("");
  });
});
