import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { stringify } from "yaml";
import { recordPath, recordWith } from "../../../../git/release-record.ts";
import { BareRepository } from "../../../support/bare-repository.ts";
import { PullRequestStandIn } from "../../../support/pull-request-stand-in.ts";

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const imageOf = (service: string): string => `docker.io/acme/shop-${service}`;
const source = "a".repeat(40);

let program: string;
let deploy: BareRepository;
let github: PullRequestStandIn;

beforeEach(async () => {
  github = await PullRequestStandIn.start();
  github.pullRequests.set(7, { state: "open", labels: ["bug", "preview"], sha: source });
  deploy = new BareRepository();
  deploy.commit({
    [recordPath("dev", "gateway")]: recordWith({ repository: imageOf("gateway"), digest: digest("1") }),
    [recordPath("dev", "link")]: recordWith({ repository: imageOf("link"), digest: digest("2") }),
    [recordPath("dev", "mail")]: recordWith({ repository: imageOf("mail"), digest: digest("3") }),
  });
  program = mkdtempSync(join(tmpdir(), "program-"));
  put("stacks/Pulumi.dev.yaml", stackFile({ previews: {} }));
  put("shop/svc/gateway/service.yaml", "peers: [link]\nexpose: true\nsecrets: { KEY: signing-key }\n");
  for (const name of ["gateway", "link", "mail"]) put(`shop/svc/${name}/Dockerfile`, "FROM scratch\nEXPOSE 7070\n");
});
afterEach(async () => {
  rmSync(program, { recursive: true });
  deploy[Symbol.dispose]();
  await github[Symbol.asyncDispose]();
});

function put(path: string, content: string): void {
  mkdirSync(dirname(join(program, path)), { recursive: true });
  writeFileSync(join(program, path), content);
}

function stackFile(gitops: object): string {
  const settings = {
    schemaVersion: 2,
    app: { name: "shop", directory: "shop" },
    images: { organization: "acme", username: "acme-ci", source: "registry" },
    cluster: { ingress: { className: "nginx", domain: "dev.shop.example", namespace: "ingress-nginx" } },
    github: { repository: "acme/shop", api: github.url },
    gitops: { repository: "https://git.example/deploy.git", ...gitops },
  };
  return stringify({
    config: Object.fromEntries(Object.entries(settings).map(([key, value]) => [`delivery:${key}`, value])),
  });
}

/** Runs the command in the program's directory, and returns what it prints. */
async function delivery(...args: string[]): Promise<string> {
  const command = [
    resolve("cli/delivery.js"),
    "preview-environment",
    "--env",
    "dev",
    "--repository",
    deploy.url,
    ...args,
  ];
  const env = { PATH: process.env["PATH"], DELIVERY_GITHUB_TOKEN: "github-token" };
  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: program, env });
  return stdout.trim();
}

function preview(digests: Record<string, string>, ...args: string[]): Promise<string> {
  put("digests.json", JSON.stringify(digests));
  return delivery("--pull-request", "7", "--digests", "digests.json", ...args);
}

const previewFiles = (): string[] => Object.keys(deploy.files()).filter((path) => path.startsWith("previews/"));

test("puts the changed services, and those that lead to them, into the deploy repository", async () => {
  const result = JSON.parse(await preview({ link: digest("a") }, "--source-commit", source, "--json"));
  expect(result).toEqual({
    environment: "pr-7",
    namespace: "shop-pr-7",
    changed: true,
    commit: deploy.git("rev-parse", "main"),
    services: [
      {
        service: "gateway",
        repository: imageOf("gateway"),
        digest: digest("1"),
        changed: false,
        address: "http://gateway.pr-7.dev.shop.example",
      },
      {
        service: "link",
        repository: imageOf("link"),
        digest: digest("a"),
        changed: true,
        address: "http://link.shop-pr-7.svc.cluster.local:7070",
      },
    ],
    dependencies: [],
    missing: [],
    unmigrated: [],
  });
  expect(deploy.files()[recordPath("previews/pr-7", "link")]).toBe(
    recordWith({ repository: imageOf("link"), digest: digest("a"), sourceCommit: source }),
  );
  expect(deploy.git("log", "-1", "--format=%B")).toBe(
    `preview(pr-7): link ${digest("a").slice(0, 19)}\n\nService: link\nDigest: ${digest("a")}\nPull-Request: 7\nSource-Commit: ${source}`,
  );
});

test("changes nothing the second time, and takes away what a later commit no longer touches", async () => {
  await preview({ link: digest("a") });
  expect(await preview({ link: digest("a") })).toContain("pr-7: nothing to change");
  expect(deploy.subjects()).toHaveLength(2);
  await preview({ mail: digest("b") });
  expect(previewFiles().filter((path) => /\/(link|gateway)\//.test(path))).toEqual([]);
  await preview({});
  expect(previewFiles()).toEqual(["previews/pr-7/kustomization.yaml", "previews/pr-7/namespace.yaml"]);
});

test("says so in one comment, which it keeps up to date", async () => {
  await preview({ link: digest("a") }, "--comment");
  await preview({ link: digest("b") }, "--comment");
  const [comment, ...more] = github.comments.get(7) ?? [];
  expect(more).toEqual([]);
  expect(comment?.body).toContain("**gateway: http://gateway.pr-7.dev.shop.example**");
  expect(comment?.body).toContain(`| link | \`${digest("b").slice(0, 19)}\` | **this pull request** |`);
  expect(comment?.body).toContain("It goes when the pull request is closed or loses the label `preview`.");
  expect(comment?.body).not.toContain("throwaway-");
});

test("removes what is left of pull requests that are closed or have lost the label, once", async () => {
  await preview({ link: digest("a") }, "--comment");
  github.pullRequests.set(8, { state: "open", labels: [], sha: source });
  github.pullRequests.set(9, { state: "open", labels: ["preview"], sha: source });
  deploy.commit({ "previews/pr-8/namespace.yaml": "", "previews/pr-9/namespace.yaml": "", "previews/notes.md": "" });
  github.pullRequests.set(7, { state: "closed", labels: ["preview"], sha: source });
  expect(JSON.parse(await delivery("--remove-closed", "--comment", "--json"))).toEqual({
    changed: true,
    commit: deploy.git("rev-parse", "main"),
    removed: [
      { pullRequest: 7, reason: "is closed" },
      { pullRequest: 8, reason: 'does not have the label "preview"' },
    ],
  });
  expect(previewFiles()).toEqual(["previews/notes.md", "previews/pr-9/namespace.yaml"]);
  expect(github.comments.get(7)?.map(({ body }) => body)).toEqual([
    expect.stringContaining("Removed: the pull request is closed."),
  ]);
  expect(github.comments.has(8)).toBe(false);
  expect(await delivery("--remove-closed")).toBe("no preview environment to remove");
});

test("a pull request that was closed during the build gets none", async () => {
  await preview({ link: digest("a") });
  github.pullRequests.set(7, { state: "closed", labels: ["preview"], sha: source });
  expect(await preview({ link: digest("b") })).toContain("pr-7: removed, since pull request 7 is closed");
  expect(previewFiles()).toEqual([]);
});

test("an older commit does not replace a newer one", async () => {
  github.pullRequests.set(7, { state: "open", labels: ["preview"], sha: "b".repeat(40) });
  const result = await preview({ link: digest("a") }, "--source-commit", source, "--json");
  expect(JSON.parse(result)).toEqual({ changed: false, commit: null, removed: [] });
  expect(previewFiles()).toEqual([]);
});

test.each<[fault: string, prepare: () => void, args: () => string[], reason: RegExp]>([
  [
    "a service that nobody has released yet",
    () => deploy.commit({ [recordPath("dev", "gateway")]: undefined }),
    () => ["--pull-request", "7", "--digests", "link.json"],
    /dev runs nothing of gateway yet, which the changed services need; release there first; nothing was changed/,
  ],
  [
    "a service that is not in the monorepo",
    () => {},
    () => ["--pull-request", "7", "--digests", "other.json"],
    /the digests name other, but shop has gateway, link, mail; build with the same checkout; nothing was changed/,
  ],
  [
    "a stack without preview environments",
    () => put("stacks/Pulumi.dev.yaml", stackFile({})),
    () => ["--remove-closed"],
    /Pulumi\.dev\.yaml: gitops\.previews is missing; set it to \{\}/,
  ],
  [
    "a number that is none",
    () => {},
    () => ["--pull-request", "7/8", "--digests", "link.json"],
    /--pull-request "7\/8" is not the number of one/,
  ],
  [
    "options that do not go together",
    () => {},
    () => ["--remove-closed", "--digests", "link.json"],
    /--remove-closed does not go with --digests/,
  ],
])("refuses %s", async (_fault, prepare, args, reason) => {
  prepare();
  put("link.json", JSON.stringify({ link: digest("a") }));
  put("other.json", JSON.stringify({ other: digest("a") }));
  await expect(delivery(...args())).rejects.toThrow(reason);
  expect(previewFiles()).toEqual([]);
});

test("a patch that reaches beyond its environment is refused, and nothing is written", async () => {
  const patch = { kind: "Service", patch: { metadata: { namespace: "kube-system" } } };
  put("shop/svc/link/service.yaml", JSON.stringify({ patches: [patch] }));
  await expect(preview({ link: digest("a") })).rejects.toThrow(
    'shop/svc/link/service.yaml: patches.0: of Service link: metadata.namespace must stay "shop-pr-7"',
  );
  expect(previewFiles()).toEqual([]);
});
