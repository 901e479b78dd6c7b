import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { circleCiEndpoint, sandboxSettings } from "../../sandbox/machine/endpoints.ts";
import { stopProcess } from "../../sandbox/machine/process.ts";
import { createMonorepo, type Monorepo } from "../support/monorepo.ts";
import { openPipeline, type Pipeline, type Variation } from "../support/pipeline.ts";
import {
  deploymentOf,
  enterSandbox,
  namesOf,
  type DeploymentState,
  type SandboxHarness,
} from "../support/sandbox-harness.ts";

const namespace = "faulty-sandbox";

/** Places that cannot be reached and credentials that are wrong, each met by an update that needs them. */
describe("an update", () => {
  let harness: SandboxHarness;
  let monorepo: Monorepo;
  let pipeline: Pipeline;
  let running: DeploymentState;

  beforeAll(async () => {
    harness = await enterSandbox();
    monorepo = createMonorepo(join(harness.stateDir, "monorepos", "faulty"), ["cart"]);
    pipeline = openPipeline({ ...harness, name: "faulty", directory: monorepo.directory });
    await pipeline.run("up");
    running = await deploymentOf(harness.kubernetes, namespace, "cart");
  });

  afterAll(async () => {
    await pipeline.run("destroy");
  });

  test("whose registry cannot be reached names it and the way out", async () => {
    await stopProcess(harness.stateDir, "registry");
    changeCart();
    const { registryHost } = harness.sandbox.endpoints;
    await refuses(
      {},
      new RegExp(`the registry ${registryHost} cannot be reached .*: check that it runs and that its address is right`),
    );
    await enterSandbox();
  });

  test("with a wrong password names registry, user and way out", async () => {
    const { registryHost } = harness.sandbox.endpoints;
    const wrong = { secrets: { "delivery:registryPassword": "not-the-password" } };
    const error = await refuses(
      wrong,
      new RegExp(
        `the registry ${registryHost} refuses .* as user "${sandboxSettings().images.username}" .*: set registry.username and registry.password`,
      ),
    );
    expect(error).not.toContain("not-the-password");
    // The rest of the stack has the new password now: up with the right one sets that everywhere.
    monorepo.service("cart");
    await pipeline.run("up");
    await expectUntouched();
  });

  test("whose API server cannot be reached names its address and the way out", async () => {
    await refuses(
      withKubeconfig(kubeconfig("https://127.0.0.1:1")),
      /the API server https:\/\/127\.0\.0\.1:1 does not answer: .*start the cluster, or correct the kubeconfig/,
    );
  });

  test("whose kubeconfig is none says so, and does not show it", async () => {
    const error = await refuses(
      withKubeconfig("token: very-secret-token\n"),
      /has no contexts, so it is not a kubeconfig: set `kubeconfig`/,
    );
    expect(error).not.toContain("very-secret-token");
  });

  test("whose kubeconfig has a refused token names the server and the way out", async () => {
    await refuses(
      withKubeconfig(kubeconfig(harness.sandbox.cluster.server)),
      /the credentials are refused by https:\S+ .*: renew the token or client certificate there/,
    );
  });

  test("for which CircleCI cannot be reached names the address and the way out", async () => {
    await refuses(
      withCircleCi({ url: "http://localhost:2/api/v2" }),
      /CircleCI at http:\/\/localhost:2\/api\/v2 does not answer \(.*ECONNREFUSED.*\): .* correct ci\.host in the stack file, and run this again/,
    );
  });

  test("with a wrong token of CircleCI names the address and the way out", async () => {
    const wrong = { ...withCircleCi({}), secrets: { "delivery:circleciToken": "not-the-token" } };
    const error = await refuses(
      wrong,
      /CircleCI at http:\S+ does not accept the token \(401\): set it with `pulumi config set --secret circleciToken`/,
    );
    expect(error).not.toContain("not-the-token");
  });

  test("that would take over an object of others names it and the ways out, and leaves it alone", async () => {
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const theirs = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "basket" },
      data: { OWNER: "somebody else" },
    };
    await harness.kubernetes.request("POST", path, { body: theirs });
    monorepo.service("basket");
    await refuses(
      { settings: { "delivery:cluster": { adoptExisting: false } } },
      /configmaps "basket" already exists: .*Either adopt it .*, or delete it, or choose another metadata\.name/,
    );
    expect(await harness.kubernetes.request("GET", `${path}/basket`)).toMatchObject({ data: theirs.data });
    expect(await namesOf(harness.kubernetes, "apps/v1/deployments", namespace)).toEqual(["cart"]);
    monorepo.remove("svc/basket_service");
    await pipeline.run("up");
    expect(await harness.kubernetes.request("GET", `${path}/basket`)).toMatchObject({ data: theirs.data });
    await harness.kubernetes.request("DELETE", `${path}/basket`);
  });

  /** Expects that an up fails so, and that what runs is as it was. @returns the error */
  async function refuses(variation: Variation, reason: RegExp): Promise<string> {
    const { error } = await pipeline.fail("up", variation);
    expect(error).toMatch(reason);
    await expectUntouched();
    return error;
  }

  async function expectUntouched(): Promise<void> {
    expect(await deploymentOf(harness.kubernetes, namespace, "cart")).toEqual(running);
    const [context] = await harness.circleci.contexts("faulty-build");
    expect(await harness.circleci.variables(context?.id ?? "")).toEqual(["DOCKERHUB_PASSWORD", "DOCKERHUB_USERNAME"]);
  }

  function changeCart(): void {
    monorepo.write("svc/cart_service/www/index.html", "This is another cart.\n");
  }

  /** A change that needs the API server, with another way to it. */
  function withKubeconfig(content: string): Variation {
    return {
      secrets: { "delivery:kubeconfig": content },
      settings: { "delivery:services": { cart: { replicas: 2 } } },
    };
  }

  /** A change that needs CircleCI. */
  function withCircleCi(endpoint: { url?: string }): Variation {
    const { url, organizationId } = { ...circleCiEndpoint(harness.sandbox.endpoints), ...endpoint };
    return {
      settings: { "delivery:ci": { host: url, organizationId, environment: { RELEASE_TOKEN: "token-secret" } } },
    };
  }
});

function kubeconfig(server: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "wrong",
    contexts: [{ name: "wrong", context: { cluster: "wrong", user: "wrong" } }],
    clusters: [{ name: "wrong", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "wrong", user: { token: "not-the-token" } }],
  });
}
