import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { commitToBranch, readBranch } from "../../../git/deploy-repository.ts";
import { gitAt, gitIn } from "../../../git/git-command.ts";
import { beforeLastRelease } from "../../../git/record-history.ts";
import { readRecords } from "../../../git/records.ts";
import { recordPath, recordWith } from "../../../git/release-record.ts";
import { openSourceRepository } from "../../../git/source-repository.ts";
import { accessSettings } from "../../../git/user-settings.ts";
import { BareRepository } from "../../support/bare-repository.ts";
import { SourceCheckout } from "../../support/source-checkout.ts";

let checkout: SourceCheckout;
let deploy: BareRepository;
let commits: { first: string; second: string; released: string };
const home = mkdtempSync(join(tmpdir(), "git-home-"));

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const release = (letter: string) => ({
  [recordPath("dev", "link")]: recordWith({ repository: "docker.io/acme/shop-link", digest: digest(letter) }),
});

beforeAll(() => {
  checkout = new SourceCheckout();
  const first = checkout.commit({ "shop/ä b": "1", "shop/moved": "a\nb\nc\n" });
  const second = checkout.commit({ "shop/ä b": "2", "shop/moved": undefined, "shop/there": "a\nb\nc\n" });
  deploy = new BareRepository();
  deploy.commit(release("a"));
  const released = deploy.git("rev-parse", "main");
  deploy.commit(release("b"));
  sign(deploy);
  commits = { first, second, released };
});
afterAll(() => {
  checkout[Symbol.dispose]();
  deploy[Symbol.dispose]();
  rmSync(home, { recursive: true, force: true });
});
afterEach(() => vi.unstubAllEnvs());

/** As a merge on a Git host is signed; nobody here can check it. */
function sign(repository: BareRepository): void {
  const [head = "", ...message] = repository.git("cat-file", "commit", "main").split("\n\n");
  const signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ==\n -----END PGP SIGNATURE-----";
  const file = join(home, "signed");
  writeFileSync(file, `${head}\n${signature}\n\n${message.join("\n\n")}\n`);
  repository.git("update-ref", "refs/heads/main", repository.git("hash-object", "-t", "commit", "-w", file));
}

/** Someone whose Git is set up so. */
function setUp(configuration: string): void {
  writeFileSync(join(home, ".gitconfig"), configuration);
  vi.stubEnv("HOME", home);
  vi.stubEnv("XDG_CONFIG_HOME", undefined);
}

/** All that the CLI reads of the two repositories. */
async function readings(): Promise<unknown> {
  const source = await openSourceRepository(join(checkout.root, "shop"));
  const { first, second } = commits;
  const target = { repository: deploy.url, branch: "main" };
  return {
    prefix: source.prefix,
    changed: (await source.changedSince([first], second)).get(first)?.toSorted(),
    ancestors: [...(await source.ancestorsOf(second, [first]))],
    base: await source.mergeBase(first, second),
    earlier: await readBranch(
      target,
      async (snapshot, git) => beforeLastRelease(git, snapshot.commit ?? "", "dev", await readRecords(snapshot, "dev")),
      "whole history",
    ),
  };
}

const settings = [
  "[log]\n showSignature = true",
  "[log]\n date = relative\n decorate = full\n follow = true\n showRoot = false\n mailmap = true\n diffMerges = off",
  "[color]\n ui = always\n diff = always",
  "[core]\n quotePath = false\n abbrev = 4\n pager = false\n attributesFile = ATTRIBUTES",
  "[diff]\n noprefix = true\n mnemonicPrefix = true\n renames = copies\n external = false\n relative = true\n orderFile = ATTRIBUTES\n ignoreSubmodules = all\n context = 0",
  "[status]\n short = true\n showUntrackedFiles = no",
  "[format]\n pretty = oneline\n[i18n]\n logOutputEncoding = UTF-16\n commitEncoding = ISO-8859-1",
  "[commit]\n gpgSign = true\n[push]\n gpgSign = true\n default = nothing\n pushOption = x\n[gpg]\n program = false",
  "[core]\n hooksPath = HOOKS\n[init]\n templateDir = HOOKS\n defaultBranch = trunk\n defaultObjectFormat = sha256",
  '[url "https://nowhere.invalid/"]\n insteadOf = file://\n pushInsteadOf = file://\n insteadOf = https://',
  "[fetch]\n prune = true\n recurseSubmodules = true\n[transfer]\n hideRefs = refs/heads\n[fsck]\n missingEmail = error",
  "[alias]\n log = version\n[core]\n fsmonitor = false\n useReplaceRefs = false\n bare = true\n worktree = /tmp",
  "[protocol]\n allow = never\n[pack]\n threads = 0\n[remote]\n pushDefault = nowhere",
];

test.each(settings)("what the user's Git is set up for changes nothing: %j", async (configuration) => {
  const hooks = join(home, "hooks");
  mkdirSync(hooks, { recursive: true });
  for (const hook of ["pre-push", "reference-transaction", "post-index-change"])
    writeFileSync(join(hooks, hook), "#!/bin/sh\necho never >&2\nexit 1\n", { mode: 0o755 });
  const attributes = join(home, "attributes");
  writeFileSync(attributes, "*.yaml binary\n* -diff\n");
  setUp(configuration.replaceAll("HOOKS", hooks).replaceAll("ATTRIBUTES", attributes));
  expect(await readings()).toEqual({
    prefix: "shop/",
    changed: ["moved", "there", "ä b"],
    ancestors: [commits.first],
    base: commits.first,
    earlier: commits.released,
  });
  using other = new BareRepository();
  const change = { write: { "dev/a": "ä\n" }, message: "ä\n" };
  const { commit } = await commitToBranch({ repository: other.url, branch: "main" }, async () => change);
  expect(other.git("cat-file", "commit", commit ?? "")).not.toMatch(/gpgsig|encoding/);
  expect(other.files()).toEqual({ "dev/a": "ä\n" });
});

test.each<[name: string, value: string]>([
  ["GIT_CONFIG_PARAMETERS", "'log.showSignature=true'"],
  ["GIT_LITERAL_PATHSPECS", "1"],
  ["GIT_EXTERNAL_DIFF", "false"],
  ["GIT_DIFF_OPTS", "--unified=0"],
  ["GIT_DEFAULT_HASH", "sha256"],
  ["GIT_DIR", "/nowhere"],
  ["GIT_REPLACE_REF_BASE", "refs/heads/"],
  ["GIT_TEMPLATE_DIR", "/nowhere"],
  ["GIT_TRACE", "1"],
  ["GIT_TRACE2_EVENT", "1"],
])("nor does the variable %s", async (name, value) => {
  setUp("");
  vi.stubEnv(name, value);
  expect(await readings()).toMatchObject({ changed: ["moved", "there", "ä b"], earlier: commits.released });
});

test("nor what the checkout itself is set up for", async () => {
  setUp("");
  using other = new SourceCheckout();
  const first = other.commit({ a: "1" });
  other.commit({ a: "2" });
  for (const [key, value] of [
    ["log.showSignature", "true"],
    ["color.ui", "always"],
    ["diff.ignoreSubmodules", "all"],
    ["core.fsmonitor", "/nowhere/fsmonitor"],
    ["core.hooksPath", "/nowhere"],
  ] as const)
    other.git("config", key, value);
  const source = await openSourceRepository(other.root);
  expect(await source.changedSince([first], "HEAD")).toEqual(new Map([[first, ["a"]]]));
});

const access = `[core]
  sshCommand = ssh -i key
  askPass = ask
[credential]
  helper = one
[credential "https://git.example"]
  helper = two words
  username = ci
  useHttpPath
[http]
  proxy = http://proxy:3128
  sslCAInfo = /etc/ca.pem
  sslVerify = false
[http "https://git.example/"]
  sslCert = /etc/client.pem
  proxy =
  extraHeader = Authorization: Basic abc
[safe]
  directory = *
[user]
  name = Someone
`;

test("how servers are reached and who logs in there comes in", async () => {
  setUp(access);
  const expected = [
    ["core.sshcommand", "ssh -i key"],
    ["core.askpass", "ask"],
    ["credential.helper", "one"],
    ["credential.https://git.example.helper", "two words"],
    ["credential.https://git.example.username", "ci"],
    ["credential.https://git.example.usehttppath", "true"],
    ["http.proxy", "http://proxy:3128"],
    ["http.sslcainfo", "/etc/ca.pem"],
    ["http.sslverify", "false"],
    ["http.https://git.example/.sslcert", "/etc/client.pem"],
    ["http.https://git.example/.proxy", ""],
    ["http.https://git.example/.extraheader", "Authorization: Basic abc"],
    ["safe.directory", "*"],
  ];
  const environment = { ...process.env, GIT_CONFIG_NOSYSTEM: "1" };
  expect(await accessSettings(environment, false)).toEqual(expected);
  const withoutHeader = expected.filter(([key]) => key !== "http.https://git.example/.extraheader");
  expect(await accessSettings(environment, true)).toEqual(withoutHeader);
  const git = gitIn(deploy.path, { repository: "https://git.example/deploy.git" });
  expect((await git(["config", "--get-urlmatch", "http.sslCert", "https://git.example/x"])).toString()).toBe(
    "/etc/client.pem\n",
  );
  expect((await git(["config", "--get-all", "credential.https://git.example.helper"])).toString()).toBe("two words\n");
});

test.runIf(process.getuid?.() === 0)("a directory of another user is read where the user allows it", async () => {
  using other = new SourceCheckout();
  other.commit({ a: "1" });
  vi.stubEnv("SUDO_UID", undefined);
  vi.stubEnv("GIT_TEST_ASSUME_DIFFERENT_OWNER", undefined);
  other.git("config", "core.sharedRepository", "all");
  const { chownSync } = await import("node:fs");
  chownSync(other.root, 12_345, 12_345);
  chownSync(join(other.root, ".git"), 12_345, 12_345);
  setUp("");
  await expect(openSourceRepository(other.root)).rejects.toThrow(/belongs to another user/);
  setUp(`[safe]\n directory = ${other.root}\n`);
  expect((await gitAt(other.root)(["rev-parse", "--is-shallow-repository"])).toString()).toBe("false\n");
});

test("a configuration that Git cannot read is told with its file", async () => {
  setUp("[log\n");
  await expect(gitAt(checkout.root)(["version"])).rejects.toThrow(/git config: .*\.gitconfig/);
});
