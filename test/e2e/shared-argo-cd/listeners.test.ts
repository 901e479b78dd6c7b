import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gitUsers } from "../../../sandbox/machine/credentials.ts";
import { markerOf } from "../../../sandbox/machine/process-identity.ts";
import { listProcesses } from "../../../sandbox/machine/process.ts";
import { eventually } from "../../support/eventually.ts";
import { openEnvironment, type Environment } from "../support/environment.ts";
import { openContributor } from "../support/github-account.ts";
import { enterGitOps } from "../support/enter-gitops.ts";
import type { GitOpsHarness } from "../support/gitops-harness.ts";
import { countSockets, exposedSockets } from "../support/listening-sockets.ts";

/** Whoever starts a sandbox opens nothing of it to their network. */
describe("the sandbox with all its parts", () => {
  let harness: GitOpsHarness;
  let shop: Environment;

  beforeAll(async () => {
    harness = await enterGitOps();
    // With previews the ApplicationSet controller runs, too.
    const { repository } = await openContributor(harness, "square");
    const gitops = { repository: harness.repositoryUrl, username: gitUsers.reader, previews: {} };
    const github = { repository, api: harness.sandbox.endpoints.githubApi };
    shop = openEnvironment(harness, { name: "open", app: "square", services: ["cart"], settings: { gitops, github } });
    await shop.run("up");
    await eventually("all of Argo CD runs", async () => Promise.resolve(parts().length >= 4 && parts()));
  });

  afterAll(async () => {
    await shop.run("destroy");
  });

  test("listens on loopback and on its own links alone", () => {
    expect(exposedSockets(harness.stateDir)).toEqual([]);
    // Else it would have been a look at nothing.
    expect(countSockets(harness.stateDir)).toBeGreaterThan(15);
  });

  test.each([
    ["tcp", "0.0.0.0", `require("node:net").createServer().listen(0, "0.0.0.0", say)`],
    ["tcp6", "::", `require("node:net").createServer().listen(0, "::", say)`],
    ["udp", "0.0.0.0", `const s = require("node:dgram").createSocket("udp4").bind(0, "0.0.0.0", say)`],
  ])("would be found by %s on %s", async (protocol, address, script) => {
    const child = spawn(process.execPath, ["-e", `const say = () => console.log("ready"); ${script}`], {
      env: { ...process.env, ...markerOf(harness.stateDir) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(child.stdout, "data");
      const found = exposedSockets(harness.stateDir);
      expect(found.map((socket) => socket.replace(/^.* (\S+ \S+):\d+$/s, "$1"))).toEqual([`${protocol} ${address}`]);
    } finally {
      child.kill("SIGKILL");
      await once(child, "close");
    }
  });

  const parts = (): string[] =>
    listProcesses(harness.stateDir)
      .filter(({ name, running }) => running && name.startsWith("argocd-") && name !== "argocd-supervisor")
      .map(({ name }) => name);
});
