import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { command as preview } from "../../../../cli/commands/preview.ts";
import {
  publishState,
  readPublishedState,
  stateBranch,
  stateText,
  type ScrubbedState,
} from "../../../../cli/preview/published-state.ts";
import { Project } from "../../../../cli/project/stack-file.ts";
import { ensureRepository, repositoryPath } from "../../../../sandbox/stand-ins/git-server/repositories.ts";
import { serveGit, type GitHttp } from "../../../../sandbox/stand-ins/git-server/server.ts";
import { BareRepository } from "../../../support/bare-repository.ts";
import { SourceCheckout } from "../../../support/source-checkout.ts";

const program = process.cwd();
const state: ScrubbedState = { version: 3, deployment: { resources: [] } };
const token = "canary-5eed-c0ffee";
const stackFile = `config:
  delivery:schemaVersion: 2
  delivery:app: { name: shop, directory: . }
`;

let checkout: SourceCheckout;
let server: GitHttp;
let requests: string[];
let folder: BareRepository;

beforeEach(async () => {
  checkout = new SourceCheckout();
  checkout.commit({ "stacks/Pulumi.dev.yaml": stackFile });
  // For its folder, which it removes.
  folder = new BareRepository();
  requests = [];
  await ensureRepository(folder.directory, { name: "acme/shop" });
  const users = [{ name: "robot", token, access: "write" as const }];
  server = await serveGit({ port: 0, root: folder.directory, users, log: (line) => requests.push(line) });
  vi.stubEnv("DELIVERY_GIT_USERNAME", "robot");
  vi.stubEnv("DELIVERY_GIT_TOKEN", "");
  process.chdir(checkout.root);
});
afterEach(async () => {
  process.chdir(program);
  vi.unstubAllEnvs();
  await server[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
  checkout[Symbol.dispose]();
});

/** Where the checkout is from; with a login, as some CI systems and people write it. */
function setOrigin(login = "", url = `${server.url}/acme/shop.git`): void {
  checkout.git("config", "remote.origin.url", url.replace("//", `//${login}`));
}

test("without a remote, the state is at the GitHub of the stack file, which may be one of one's own", async () => {
  checkout.commit({
    "stacks/Pulumi.dev.yaml": `${stackFile}  delivery:github: { repository: acme/shop, api: "${server.url}/api/v3" }\n`,
  });
  vi.stubEnv("DELIVERY_GIT_TOKEN", token);
  expect(await publishState(new Project(), "dev", state)).toMatchObject({ changed: true });
  expect(await readPublishedState(new Project(), "dev")).toMatchObject({ state });
});

test("a private repository's state is published and read with the token of the environment", async () => {
  setOrigin();
  vi.stubEnv("DELIVERY_GIT_TOKEN", token);
  expect(await publishState(new Project(), "dev", state)).toMatchObject({ changed: true });
  expect(await readPublishedState(new Project(), "acme/dev")).toEqual({ state, source: `branch ${stateBranch}` });
});

test("without one, with the login that is in the URL of origin", async () => {
  setOrigin(`robot:${token}@`);
  expect(await publishState(new Project(), "dev", state)).toMatchObject({ changed: true });
  expect(await readPublishedState(new Project(), "dev")).toMatchObject({ state });
});

test("a login in the URL of origin is in no message", async () => {
  const messages = async (): Promise<string> => {
    const { source } = await readPublishedState(new Project(), "dev");
    const refused = await publishState(new Project(), "dev", state).then(
      () => "not refused",
      (error: unknown) => String(error),
    );
    return `${source}\n${refused}`;
  };
  setOrigin("robot:canary-wrong@");
  const refused = await messages();
  expect(refused).toMatch(/\/acme\/shop\.git does not accept the credentials \(401\)[^]*does not accept/);
  setOrigin("robot:canary-wrong@", "http://127.0.0.1:9/acme/shop.git");
  const unreachable = await messages();
  expect(unreachable).toMatch(/^http:\/\/127\.0\.0\.1:9\/acme\/shop\.git cannot be reached/);
  expect(refused + unreachable).not.toContain("canary");
});

test("whoever has no login reads a public repository's, and nobody is asked for more", async () => {
  setOrigin();
  vi.stubEnv("DELIVERY_GIT_TOKEN", token);
  await publishState(new Project(), "dev", state);
  await ensureRepository(folder.directory, { name: "acme/shop", public: true });
  requests.length = 0;
  expect(await readPublishedState(new Project(), "dev")).toMatchObject({ state });
  vi.stubEnv("DELIVERY_GIT_TOKEN", "");
  expect(await readPublishedState(new Project(), "dev")).toMatchObject({ state });
  expect(requests.filter((line) => !line.endsWith(" 200"))).toEqual([]);
  const repository = new BareRepository({ existing: repositoryPath(folder.directory, "acme/shop") });
  expect(repository.files(stateBranch)).toEqual({ "dev.json": stateText(state) });
});

test("the command reads the state with the token before any program runs, and then takes the token away", async () => {
  setOrigin();
  vi.stubEnv("DELIVERY_GIT_TOKEN", token);
  await publishState(new Project(), "dev", state);
  requests.length = 0;
  // A program that cannot be run: the engine is not asked for.
  writeFileSync(join(checkout.root, "Pulumi.yaml"), "runtime: nodejs\n");
  const seen: { requests: string; token: string | undefined }[] = [];
  const context = {
    environment: process.env,
    print: () => undefined,
    note: () => void seen.push({ requests: requests.join("\n"), token: process.env["DELIVERY_GIT_TOKEN"] }),
    input: async () => "",
    signal: new AbortController().signal,
  };
  await expect(preview.run(["--safe-stack", "dev"], context)).rejects.toThrow("Pulumi.yaml: name");
  // When it says that it begins, it has the state.
  expect(seen[0]?.requests).toMatch(/^POST \/acme\/shop\.git\/git-upload-pack 200$/m);
  expect(seen[0]?.token).toBeUndefined();
  expect(process.env["DELIVERY_GIT_TOKEN"]).toBe(token);
});
