import { expect, test } from "vitest";
import { overlaySettings } from "../../../../sandbox/monorepo/stack-overlay.ts";

const overlay = (own: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  overlaySettings({
    own: { schemaVersion: 2, app: { name: "shop", directory: "x" }, ...own },
    sandbox: { ci: { image: "cimg/go:1.26-node", environment: { DELIVERY_GIT_TOKEN: "deploy-token" } } },
    directory: "../shop",
    repository: "acme/shop",
    program: "http://127.0.0.1/program.git",
  });

test("CI of the sandbox can wait for migrations, whatever the user's own has", () => {
  expect(overlay({ ci: { image: "cimg/node:24.11", environment: { DELIVERY_KUBECONFIG: "mine" } } })["ci"]).toEqual({
    image: "cimg/node:24.11",
    program: { repository: "http://127.0.0.1/program.git" },
    environment: { DELIVERY_GIT_TOKEN: "deploy-token", DELIVERY_KUBECONFIG: "kubeconfig" },
  });
});

test("services keep their migrations, and no volumes", () => {
  const migrations = { command: ["/app", "up"] };
  const { services } = overlay({ services: { cart: { migrations, volumes: { data: { path: "/d", size: "1Gi" } } } } });
  expect(services).toEqual({ cart: { migrations, scratch: [{ path: "/d", size: "1Gi" }] } });
});
