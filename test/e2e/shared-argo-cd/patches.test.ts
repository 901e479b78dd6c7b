import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { eventually } from "../../support/eventually.ts";
import { deploymentPath } from "../../support/sandbox-harness.ts";
import { openEnvironment, type Environment } from "../support/environment.ts";
import { enterGitOps } from "../support/enter-gitops.ts";
import type { GitOpsHarness } from "../support/gitops-harness.ts";

const sidecar = {
  kind: "Deployment",
  patch: {
    spec: { template: { spec: { containers: [{ name: "helper", command: ["sh", "-c", "exec sleep 3600"] }] } } },
  },
};
const role = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "Role",
  metadata: { name: "cart-reader" },
  rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get"] }],
};

/** What no setting says, through Git. The tests build on each other. */
describe("patches, and objects that a service brings along, with Argo CD", () => {
  let harness: GitOpsHarness;
  let shop: Environment;

  beforeAll(async () => {
    harness = await enterGitOps();
    shop = openEnvironment(harness, { name: "patches", services: ["cart"] });
    shop.monorepo.write("svc/cart_service/k8s/role.yaml", stringify(role));
    shop.monorepo.write(
      "svc/cart_service/service.yaml",
      stringify({ patches: [sidecar], manifests: ["svc/cart_service/k8s/*.yaml"] }),
    );
    await shop.run("up");
  });

  afterAll(async () => {
    await shop.run("destroy");
  });

  const roles = (): string => `/apis/rbac.authorization.k8s.io/v1/namespaces/${shop.namespace}/roles`;
  const images = async (): Promise<unknown[]> => {
    const { spec } = Object(await harness.kubernetes.request("GET", deploymentPath(shop.namespace, "cart")));
    return spec.template.spec.containers.map(({ image }: { image: string }) => image);
  };

  test("are in Git and on the cluster, and a sidecar without an image runs the release by its digest", async () => {
    expect(Object.keys(harness.repository.files())).toContain(
      "patches/cart/own/rbac.authorization.k8s.io-role-cart-reader.yaml",
    );
    expect(await harness.kubernetes.request("GET", `${roles()}/cart-reader`)).toMatchObject({ rules: role.rules });
    const [own, helper] = await images();
    expect(own).toMatch(/@sha256:[0-9a-f]{64}$/);
    expect(helper).toBe(own);
    expect((await shop.run("up")).changes).toEqual([]);
  });

  test("are gone when they are no longer said", async () => {
    shop.monorepo.remove("svc/cart_service/service.yaml");
    // The kinds that Argo CD allows follow.
    expect((await shop.run("up")).changes).toEqual(["update AppProject shop-patches", "update GitManifests shop"]);
    await eventually("cart has one container", async () => (await images()).length === 1);
    await eventually(
      "the role is gone",
      async () => Object(await harness.kubernetes.request("GET", roles())).items.length === 0,
    );
  });
});
