import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import type { GitManifestsArgs } from "../../components/deploy-repository/git-manifests.ts";
import { commitReleases } from "../../git/records.ts";
import { initialRecord, parseRecord, recordPath, recordWith } from "../../git/release-record.ts";
import { BareRepository } from "../support/bare-repository.ts";
import { filesWith, formsOf, watchArguments } from "../support/secret-watch.ts";
import {
  openManifestsStack,
  readToken,
  startDeployServer,
  writeToken,
  type DeployServer,
  type ManifestsStack,
} from "./support/deploy-server.ts";

const services = ["link", "user", "news"];
const push = /^GET .*service=git-receive-pack$/;
const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

function manifests(replicas: Record<string, number> = {}): Record<string, string> {
  return Object.fromEntries(
    services.map((name) => [
      `dev/${name}/deployment.yaml`,
      stringify({ kind: "Deployment", metadata: { name }, spec: { replicas: replicas[name] ?? 1 } }),
    ]),
  );
}

const records = Object.fromEntries(services.map((name) => [recordPath("dev", name), initialRecord(name)]));

let server: DeployServer;
let repository: BareRepository;
let harness: ManifestsStack;

function args(changes: Partial<GitManifestsArgs> = {}): GitManifestsArgs {
  return { repository: server.url, branch: "main", directory: "dev", files: manifests(), records, ...changes };
}

/** What the engine has said and done. */
interface Outcome {
  /** Of `GitManifests`: create, update, delete, replace or same. */
  operations: string[];
  output: string;
  failure: string;
}

async function run(operation: "preview" | "up" | "refresh" | "destroy", declared?: GitManifestsArgs): Promise<Outcome> {
  harness.declare(declared);
  const operations: string[] = [];
  const lines: string[] = [];
  const failure = await harness.stack[operation]({
    diff: true,
    color: "never",
    onOutput: (line: string) => lines.push(line),
    onEvent: ({ resourcePreEvent }) => {
      if (resourcePreEvent?.metadata.type === "pulumi-nodejs:dynamic/delivery:GitManifests")
        operations.push(resourcePreEvent.metadata.op);
    },
  }).then(
    () => "",
    (error: unknown) => String(error),
  );
  return { operations, output: lines.join(""), failure };
}

async function succeed(
  operation: "preview" | "up" | "refresh" | "destroy",
  declared?: GitManifestsArgs,
): Promise<Outcome> {
  const outcome = await run(operation, declared);
  if (outcome.failure !== "") throw new Error(outcome.failure);
  return outcome;
}

beforeAll(async () => {
  vi.stubEnv("DELIVERY_GIT_TOKEN", writeToken);
  harness = await openManifestsStack();
  server = await startDeployServer(harness.directory);
  repository = new BareRepository({ existing: server.path });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  repository[Symbol.dispose]();
  harness[Symbol.dispose]();
  vi.unstubAllEnvs();
});

/** The tests build on each other. */
describe("GitManifests on the real engine", () => {
  test("preview contacts nothing and needs no credentials", async () => {
    await server.close();
    vi.stubEnv("DELIVERY_GIT_TOKEN", undefined);
    const { operations, output } = await succeed("preview", args());
    vi.stubEnv("DELIVERY_GIT_TOKEN", writeToken);
    await server.open();
    expect(operations).toEqual(["create"]);
    for (const path of Object.keys(manifests())) expect(output).toContain(path);
    expect(repository.branches()).toEqual([]);
  });

  test("a server that is down is one clear error, and the next up resumes", async () => {
    await server.close();
    const { failure } = await run("up", args());
    await server.open();
    expect(failure).toContain(
      `${server.url} cannot be reached; check the URL and the network, and run the same command again; nothing was changed`,
    );
    expect((await succeed("up", args())).operations).toEqual(["create"]);
    expect(repository.files()).toMatchObject({ ...manifests(), ...records });
    expect(repository.subjects()).toEqual(["deploy(dev): manifests"]);
  });

  test("up again changes nothing", async () => {
    expect((await succeed("up", args())).operations).toEqual(["same"]);
    expect(repository.subjects()).toHaveLength(1);
  });

  test("a changed manifest is shown by its file, and is one commit of that file", async () => {
    const changed = args({ files: manifests({ link: 2 }) });
    expect((await succeed("preview", changed)).output).toMatch(/~ dev\/link\/deployment\.yaml.*replicas: 1 => 2/s);
    expect((await succeed("up", changed)).operations).toEqual(["update"]);
    expect(repository.git("diff", "--name-only", "main^", "main")).toBe("dev/link/deployment.yaml");
  });

  test("a release is neither drift nor undone", async () => {
    const released = recordWith({ repository: "docker.io/acme/shop-link", digest: digest("1") });
    repository.commit({ [recordPath("dev", "link")]: released }, "release");
    await succeed("refresh", args({ files: manifests({ link: 2 }) }));
    expect((await succeed("up", args({ files: manifests({ link: 3 }) }))).operations).toEqual(["update"]);
    expect(repository.files()[recordPath("dev", "link")]).toBe(released);
  });

  test("refresh finds what others have changed and removed, and up restores it", async () => {
    const declared = args({ files: manifests({ link: 3 }) });
    repository.commit(
      { "dev/link/deployment.yaml": "kind: Nonsense\n", "dev/user/deployment.yaml": undefined, "others/x": "x" },
      "sabotage",
    );
    await succeed("refresh", declared);
    const { output } = await succeed("preview", declared);
    expect(output).toMatch(/~ dev\/link\/deployment\.yaml.*Nonsense/s);
    expect(output).toContain("+ dev/user/deployment.yaml");
    expect(output).not.toMatch(/[~+] dev\/news/);
    await succeed("up", declared);
    expect(repository.files()).toMatchObject({ ...manifests({ link: 3 }), "others/x": "x" });
  });

  test("goes on top of what is pushed between its fetch and its push", async () => {
    const before = repository.subjects().length;
    server.before(push, () => repository.commit({ "others/y": "y" }, "race"));
    await succeed("up", args({ files: manifests({ link: 4 }) }));
    expect(repository.files()).toMatchObject({ ...manifests({ link: 4 }), "others/y": "y" });
    expect(repository.subjects().slice(0, -before)).toEqual(["deploy(dev): manifests", "race"]);
  });

  test("many releases and an update at once: none is lost", async () => {
    const releases = ["2", "3", "4"].flatMap((digit) =>
      services.map((service) => ({ service, repository: `docker.io/acme/shop-${service}`, digest: digest(digit) })),
    );
    const before = repository.subjects().length;
    const update = succeed("up", args({ files: manifests({ link: 5 }) }));
    const results = await Promise.all(
      releases.map((release) =>
        commitReleases({
          repository: server.url,
          branch: "main",
          directory: "dev",
          choose: () => [release],
          describe: () => ({ subject: "release" }),
        }),
      ),
    );
    await update;
    expect(new Set(results.map(({ commit }) => commit)).size).toBe(releases.length);
    expect(repository.subjects()).toHaveLength(before + releases.length + 1);
    const files = repository.files();
    expect(files).toMatchObject(manifests({ link: 5 }));
    for (const service of services)
      expect(parseRecord("", files[recordPath("dev", service)] ?? "")).toMatchObject({
        image: { digest: expect.stringMatching(/^sha256:[2-4]+$/) },
      });
  });

  test("a kill between push and state: the next up finds its work done, and commits nothing", async () => {
    const before = await harness.stack.exportStack();
    const declared = args({ files: manifests({ link: 6 }) });
    await succeed("up", declared);
    const commits = repository.subjects().length;
    await harness.stack.importStack(before);
    expect((await succeed("up", declared)).operations).toEqual(["update"]);
    expect(repository.subjects()).toHaveLength(commits);
  });

  describe.each([
    ["a wrong token", "hunter4", "does not accept the credentials (401); set DELIVERY_GIT_TOKEN"],
    ["no token", undefined, "does not accept the credentials (401); set DELIVERY_GIT_TOKEN"],
  ])("%s", (_fault, token, reason) => {
    beforeEach(() => vi.stubEnv("DELIVERY_GIT_TOKEN", token));
    afterEach(() => vi.stubEnv("DELIVERY_GIT_TOKEN", writeToken));

    test("is one clear error, and nothing changes", async () => {
      const commits = repository.subjects().length;
      const { failure } = await run("up", args({ files: manifests({ link: 7 }) }));
      expect(failure).toContain(`${server.url} ${reason}`);
      expect(failure).not.toContain("hunter");
      expect(repository.subjects()).toHaveLength(commits);
    });
  });

  test("a user who may only read is told so", async () => {
    vi.stubEnv("DELIVERY_GIT_TOKEN", readToken);
    vi.stubEnv("DELIVERY_GIT_USERNAME", "reader");
    const { failure } = await run("up", args({ files: manifests({ link: 7 }) }));
    vi.stubEnv("DELIVERY_GIT_TOKEN", writeToken);
    vi.stubEnv("DELIVERY_GIT_USERNAME", undefined);
    expect(failure).toContain(`${server.url} may not be written with these credentials (403)`);
  });

  test("a branch that takes no pushes is named", async () => {
    expect((await run("up", args({ branch: "protected" }))).failure).toContain(
      `${server.url} refuses pushes to protected: the branch is protected`,
    );
  });

  test("a credential in the URL is refused before anything runs", async () => {
    const { failure } = await run(
      "preview",
      args({ repository: server.url.replace("//", "//x-access-token:hunter5@") }),
    );
    expect(failure).toContain("has a credential in it, which would land in the state");
  });

  test("another branch: the new one is written before the old one is left", async () => {
    const { operations } = await succeed("up", args({ branch: "next" }));
    expect(operations).toEqual(["create-replacement", "replace", "delete-replaced"]);
    expect(repository.files("next")).toMatchObject({ ...manifests(), ...records });
    expect(Object.keys(repository.files()).toSorted()).toEqual(["others/x", "others/y"]);
  });

  test("destroy leaves nothing of it", async () => {
    await succeed("destroy", args({ branch: "next" }));
    expect(repository.files("next")).toEqual({});
    expect(Object.keys(repository.files()).toSorted()).toEqual(["others/x", "others/y"]);
  });

  test("no credential is in any argument, in the state, or in Git", async () => {
    const forms = formsOf(writeToken);
    using watch = watchArguments(forms);
    await succeed("up", args());
    expect(watch.looks).toBeGreaterThan(3);
    expect([...watch.leaks]).toEqual([]);
    expect(filesWith(harness.directory, forms)).toEqual([]);
    const [provider = ""] = /"__provider":".*?[^\\]"/.exec(JSON.stringify(await harness.stack.exportStack())) ?? [];
    expect(provider.length).toBeGreaterThan(100);
    expect(provider.length).toBeLessThan(1000);
    expect(provider).not.toContain(process.cwd());
    await succeed("destroy", args());
  });
});
