import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readImageStatus, readReleased, type KnownImages } from "../../../../cli/preview/image-status.ts";
import { Project } from "../../../../cli/project/stack-file.ts";
import { initialRecord, recordPath, recordWith } from "../../../../git/release-record.ts";
import { serveGit, type GitHttp } from "../../../../sandbox/stand-ins/git-server/server.ts";
import { BareRepository } from "../../../support/bare-repository.ts";
import { SourceCheckout } from "../../../support/source-checkout.ts";

const program = process.cwd();
const digest = `sha256:${"1".repeat(64)}`;

let checkout: SourceCheckout;
let deploy: BareRepository;
let gitServer: GitHttp;
let repository: string;

beforeEach(async () => {
  checkout = new SourceCheckout();
  deploy = new BareRepository();
  const reader = { name: "reader", token: "reader-token", access: "read" as const };
  gitServer = await serveGit({ port: 0, root: deploy.directory, users: [reader], log: () => undefined });
  repository = `${gitServer.url}/deploy.git`;
  vi.stubEnv("DELIVERY_GIT_USERNAME", reader.name);
  vi.stubEnv("DELIVERY_GIT_TOKEN", reader.token);
  const dockerfile = "FROM scratch\nEXPOSE 7070\n";
  const first = checkout.commit({
    "stacks/Pulumi.dev.yaml": stack(repository),
    "svc/link_service/Dockerfile": dockerfile,
    "svc/user_service/Dockerfile": dockerfile,
  });
  deploy.commit({
    [recordPath("dev", "link")]: recordWith({ repository: "docker.io/acme/shop-link", digest, sourceCommit: first }),
    [recordPath("dev", "user")]: initialRecord("user"),
  });
  process.chdir(checkout.root);
});
afterEach(async () => {
  process.chdir(program);
  vi.unstubAllEnvs();
  await gitServer[Symbol.asyncDispose]();
  checkout[Symbol.dispose]();
  deploy[Symbol.dispose]();
});

const stack = (url: string, more = "github: { repository: acme/shop }"): string => `config:
  delivery:schemaVersion: 2
  delivery:app: { name: shop, directory: . }
  delivery:images: { organization: acme, username: ci, source: build }
  delivery:gitops: { repository: "${url}" }
  delivery:${more}
`;

test("on main, what was not released yet is built anew", async () => {
  const commit = checkout.commit({ "svc/link_service/main.txt": "v2" });
  expect(plainly(await statusOf("dev", { DELIVERY_GIT_TOKEN: "token" }))).toEqual({
    released: { link: digest },
    rebuilt: { services: ["link", "user"], commit },
    limits: [],
  });
});

test("on a branch only what the branch changes is built anew, whatever main has not released", async () => {
  checkout.commit({ "svc/link_service/main.txt": "v2" });
  checkout.git("checkout", "--quiet", "-b", "feature");
  const commit = checkout.commit({ "svc/user_service/main.txt": "v2" });
  expect(plainly(await statusOf("acme/dev", { DELIVERY_GIT_TOKEN: "token" }))).toMatchObject({
    rebuilt: { services: ["user"], commit },
  });
  const nothing = checkout.commit({ "svc/user_service/main.txt": undefined });
  expect(plainly(await statusOf("dev", { DELIVERY_GIT_TOKEN: "token" }))).toMatchObject({
    rebuilt: { services: [], commit: nothing },
  });
});

test("what a branch changes is known without the deploy repository", async () => {
  checkout.git("checkout", "--quiet", "-b", "feature");
  const gone = "http://127.0.0.1:1/deploy.git";
  const commit = checkout.commit({ "stacks/Pulumi.dev.yaml": stack(gone), "svc/user_service/main.txt": "v2" });
  expect(plainly(await statusOf("dev", {}))).toEqual({
    released: undefined,
    rebuilt: { services: ["user"], commit },
    limits: ["the images that run: the deploy repository cannot be read without credentials"],
  });
});

test("where no CI releases, or another environment comes first, a commit builds nothing", async () => {
  for (const more of ["owns: {}", "promotion: { from: test }"]) {
    checkout.commit({ "stacks/Pulumi.dev.yaml": stack(repository, more), "svc/link_service/main.txt": more });
    expect(plainly(await statusOf("dev", { DELIVERY_GIT_TOKEN: "token" }))).toEqual({
      released: { link: digest },
      rebuilt: undefined,
      limits: [],
    });
  }
});

function plainly({ images: { released, rebuilt }, limits }: KnownImages): object {
  return {
    released: released && Object.fromEntries(released),
    rebuilt: rebuilt && { services: [...rebuilt.services].toSorted(), commit: rebuilt.commit },
    limits,
  };
}

async function statusOf(name: string, environment: Record<string, string>): Promise<KnownImages> {
  const project = new Project();
  return readImageStatus(project, name, await readReleased(project, name, environment));
}
