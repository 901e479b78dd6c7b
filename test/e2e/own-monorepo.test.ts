import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { appName } from "../../cli/init/guess.ts";
import { namespaceName } from "../../core/names.ts";
import { demo } from "../../sandbox/commands/demo/demo.ts";
import { openSandboxStack } from "../../sandbox/engine/sandbox-stack.ts";
import { upMonorepo, type MonorepoUp } from "../../sandbox/commands/up-monorepo.ts";
import { chosenMonorepo } from "../../sandbox/monorepo/choice.ts";
import { loadEndpoints } from "../../sandbox/machine/endpoints.ts";
import { deploymentOf } from "../support/sandbox-harness.ts";
import { SourceCheckout } from "../support/source-checkout.ts";
import { enterGitOps } from "./support/enter-gitops.ts";
import type { GitOpsHarness } from "./support/gitops-harness.ts";

/** Busybox has a web server, so that nothing is to be compiled. */
const server = (before = ""): string => `FROM busybox:1
COPY www /www
EXPOSE 8080
USER 65532
# As the first process of a container, neither a shell nor httpd hears SIGTERM.
STOPSIGNAL SIGKILL
CMD ["sh", "-c", "${before}exec httpd -f -p 8080 -h /www"]
`;

/** As the sandbox decides it; without, pods are simulated. */
const canRunPods = process.getuid?.() === 0;

/** A repository that is not ours, from nothing to running pods. The tests build on each other. */
describe("a monorepo of the user's", () => {
  let harness: GitOpsHarness;
  let shop: SourceCheckout;
  const said: string[] = [];

  beforeAll(async () => {
    shop = new SourceCheckout();
    shop.commit({
      "svc/web/Dockerfile": server(),
      "svc/web/www/index.html": "one",
      "svc/api/Dockerfile": server("until nc -z cache 6379; do sleep 1; done; "),
      "svc/api/www/index.html": "",
      "svc/faulty/Dockerfile": "FROM busybox:1\nRUN echo compiling && exit 7\nEXPOSE 8080\n",
      "svc/lost/Dockerfile": "FROM registry.invalid/java:21\nCOPY app.jar /\nEXPOSE 8080\n",
      "svc/lost/app.jar": "",
      "compose.yaml":
        "services:\n  api: { build: svc/api, environment: { CACHE_ADDR: 'cache:6379' } }\n  cache: { image: 'registry.invalid/redis:8' }\n" +
        "  web: { build: svc/web }\n  migrate: { build: svc/web, command: [sh, -c, 'echo migrated'], restart: 'no' }\n",
    });
    harness = await enterGitOps();
  });

  afterAll(async () => {
    const { stateDir, sandbox } = harness;
    const endpoints = loadEndpoints(stateDir);
    await using open = await openSandboxStack({ ...sandbox, endpoints, stateDir, report: () => undefined });
    await open.stack.destroy();
    // What other tests start next is the example again.
    rmSync(join(stateDir, "monorepo"), { recursive: true });
    rmSync(join(stateDir, "endpoints.json"));
    shop[Symbol.dispose]();
  });

  const up = (): Promise<MonorepoUp> =>
    upMonorepo({
      stateDir: harness.stateDir,
      pods: "auto",
      choice: chosenMonorepo(harness.stateDir) ?? { directory: shop.root },
      images: [],
      report: (line) => said.push(line),
    });

  test("is built, released and runs; what cannot be built and what waits stops nothing else", async () => {
    const before = shop.git("rev-parse", "HEAD");
    const { services } = await up();
    expect(services.map(({ name, state }) => [name, state])).toEqual([
      ["api", canRunPods ? "does not run" : "runs"],
      ["cache", canRunPods ? "does not run" : "runs"],
      ["faulty", "not built"],
      ["lost", "not built"],
      ["web", "runs"],
    ]);
    const detail = (service: string): string => services.find(({ name }) => name === service)?.detail ?? "";
    expect(detail("faulty")).toMatch(/exit code: 7[^]*RUN echo compiling && exit 7[^]*in full: .*build-faulty\.log$/);
    expect(detail("lost")).toBe("registry.invalid/java:21 cannot be pulled");
    expect(detail("web")).toMatch(/^http:\/\/web\.[\w-]+:8080$/);
    expect([shop.git("rev-parse", "HEAD"), shop.git("status", "--porcelain")]).toEqual([before, ""]);
  });

  test.each(canRunPods ? ["real"] : [])("with %s pods, its page is served, and who waits says for what", async () => {
    const { services } = await up();
    expect(services.find(({ name }) => name === "api")?.detail).toMatch(
      /^waits for cache: registry\.invalid\/redis:8 cannot be pulled/,
    );
    expect(await page()).toBe("one");
  });

  test("its next commit is delivered by the pipeline", async () => {
    shop.commit({ "svc/web/www/index.html": "two" });
    said.length = 0;
    const { services } = await up();
    expect(services.find(({ name }) => name === "web")?.state).toBe("runs");
    expect(said).toContain("CircleCI: the pipeline of the new commit");
    expect(said.join("\n")).not.toMatch(/pipeline #\d+ ended with/);
    expect(said.join("\n")).not.toContain("web: built in");
  });

  test("its images have migrated before, as Compose does it: CI waits for that, too", async () => {
    const jobs = await harness.kubernetes.request("GET", `/apis/batch/v1/namespaces/${namespace()}/jobs`);
    const { items } = z
      .object({
        items: z.array(z.object({ spec: z.unknown(), status: z.object({ succeeded: z.number().optional() }) })),
      })
      .parse(jobs);
    expect(items).toHaveLength(1);
    expect(items[0]?.status.succeeded).toBe(1);
    expect(JSON.stringify(items[0]?.spec)).toContain((await imageOf("web")).replace(/^.*@/, ""));
  });

  test("the demo changes a service that runs, and follows it to the cluster", async () => {
    const before = await imageOf("web");
    await demo({ stateDir: harness.stateDir, pods: "auto", report: (line) => said.push(line) });
    expect(await imageOf("web")).not.toBe(before);
  });

  test.each(canRunPods ? ["real"] : [])("with %s pods, the newest page is served", async () => {
    expect(await page()).toBe("two");
  });

  const namespace = (): string => namespaceName(appName(basename(shop.root)), "sandbox");
  const imageOf = async (service: string): Promise<string> =>
    (await deploymentOf(harness.kubernetes, namespace(), service)).image;

  async function page(): Promise<string> {
    const service = await harness.kubernetes.request("GET", `/api/v1/namespaces/${namespace()}/services/web`);
    const { spec } = z.object({ spec: z.object({ clusterIP: z.string() }) }).parse(service);
    return (await fetch(`http://${spec.clusterIP}:8080/`)).text();
  }
});
