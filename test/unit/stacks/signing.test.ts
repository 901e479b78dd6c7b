import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readInstallations } from "../../../components/argo-cd/installations.ts";
import { ciProjectArgs, installationsArgs } from "../../../stacks/stage-args.ts";
import { loadSampleConfig as load, type Settings } from "../../support/sample-config.ts";
import { sampleGpgKey, sampleSshKey } from "../../support/sample-keys.ts";
import { sshKeyPair } from "../../support/signing-keys.ts";
import { sampleReleaseFile } from "../../support/sample-release.ts";

const key = sampleSshKey.text;
const signing = { secret: "signing-key", keys: { dev: key } };
const settings = (changes: Settings = {}, gitops: Settings = {}): Settings => ({
  delivery: "gitops",
  images: { organization: "acme", username: "acme-ci", source: "registry" },
  gitops: { repository: "https://git.example/acme/deploy.git", signing: { ...signing, ...changes }, ...gitops },
  github: { repository: "acme/shop" },
  secrets: { "signing-key": "hunter5", "preview-key": "hunter6" },
});

test.each<[what: string, settings: Settings, reason: RegExp]>([
  [
    "no such secret",
    settings({ secret: "other" }),
    /gitops\.signing\.secret: there is no secret "other"; set it with `pulumi config set --secret --path 'secrets\.other'`/,
  ],
  ["no keys", settings({ keys: {} }), /gitops\.signing\.keys: .*set it to the public half of the secret/],
  [
    "a private key where public ones belong",
    settings({ keys: { dev: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA" } }),
    /gitops\.signing\.keys\.dev: .*the key is a private key, which is known to whoever reads this file/,
  ],
  [
    "nonsense as a key",
    settings({ others: { prod: "x" } }),
    /gitops\.signing\.others\.prod: "x": the key is none of SSH/,
  ],
  ["a name that is none", settings({ keys: { "Dev key": key } }), /"Dev key": is not a name of lower case letters/],
  [
    "one name twice",
    settings({ others: { dev: key } }),
    /gitops\.signing\.others\.dev: .*is among gitops\.signing\.keys, too; remove it here/,
  ],
  [
    "a watcher of the registry",
    { ...settings({}, { release: "registry-watch" }), gitToken: "hunter7" },
    /gitops\.signing: Argo CD Image Updater, which commits for registry-watch, does not sign here; release by commit/,
  ],
  [
    "unsigned environments of pull requests",
    settings({}, { previews: {} }),
    /gitops\.signing\.previews: missing; gitops\.previews commits to the branch, too/,
  ],
  [
    "a key for none",
    settings({ previews: "preview-key" }),
    /gitops\.signing\.previews: has no effect without gitops\.previews/,
  ],
])("%s is refused", async (_what, changes, reason) => {
  await expect(load(changes)).rejects.toThrow(reason);
});

test("a variable for the key that is set by hand is one too many", async () => {
  const ci = {
    organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10",
    projectSlug: "gh/acme/shop",
    environment: { DELIVERY_SIGNING_KEY: "signing-key" },
  };
  await expect(load({ ...settings(), ci })).rejects.toThrow(
    /ci\.environment\.DELIVERY_SIGNING_KEY: gitops\.signing sets it already; remove it here/,
  );
});

test("CI gets each key where commits are made, and nowhere else", async () => {
  const config = await load(settings({ previews: "preview-key" }, { previews: {} }));
  const args = ciProjectArgs(config, undefined, []);
  expect(args.variables).toEqual({ DELIVERY_SIGNING_KEY: "signing-key" });
  expect(args.shared).toEqual({ build: {}, read: {}, previews: { DELIVERY_SIGNING_KEY: "preview-key" } });
});

test.each([
  ["of OpenPGP reach Argo CD", { dev: sampleGpgKey.text }, sampleReleaseFile, "962824D92FCB01C4", []],
  ["of SSH do not, for it cannot check them", { dev: key }, sampleReleaseFile, undefined, []],
  [
    "of OpenPGP are refused with a release that would drop them",
    { dev: sampleGpgKey.text },
    "old",
    "962824D92FCB01C4",
    [
      "this release of Argo CD checks no signatures by AppProject; set gitops.argoCd to 3.5 or newer, or list keys of SSH, which `delivery drift` checks",
    ],
  ],
])("keys %s", async (_what, keys, release, id, problems) => {
  const directory = mkdtempSync(join(tmpdir(), "signing-"));
  const old = join(directory, "install.yaml");
  writeFileSync(old, readFileSync(sampleReleaseFile, "utf8").replaceAll("sourceIntegrity", "signatureKeys"));
  const argoCd = { manifests: release === "old" ? old : release };
  const config = await load({ ...settings({ keys }, { argoCd }), owns: { argoCd: true } });
  const installed = await readInstallations(installationsArgs(config, []));
  rmSync(directory, { recursive: true });
  const known = installed.argoCd?.find((object) => Object(object["metadata"]).name === "argocd-gpg-keys-cm");
  expect(Object.keys(Object(known?.["data"]))).toEqual(id === undefined ? [] : [id]);
  expect(installed.problems.map(({ message }) => message)).toEqual(problems);
});

describe("a private key that the stack file does not list is refused at a preview", () => {
  const [own, other] = [sshKeyPair(), sshKeyPair()];
  const loaded = (changes: Settings, privateKey: string, previewKey = other.privateKey): Promise<unknown> =>
    load({
      ...settings({ keys: { dev: own.publicKey }, ...changes }, "previews" in changes ? { previews: {} } : {}),
      github: { repository: "acme/shop" },
      secrets: { "signing-key": privateKey, "preview-key": previewKey },
    });

  test.each([
    ["as it is", own.privateKey],
    ["in base64", Buffer.from(own.privateKey).toString("base64")],
    // Only the tools that sign read these.
    ["in another form", "hunter5"],
  ])("not one that it lists, %s", async (_form, privateKey) => {
    await expect(loaded({}, privateKey)).resolves.toBeDefined();
    const previews = { previews: "preview-key", others: { previews: other.publicKey } };
    await expect(loaded(previews, privateKey)).resolves.toBeDefined();
  });

  test("with both fingerprints, and nothing of the key", async () => {
    const found = await loaded({}, other.privateKey).then(String, String);
    expect(found).toMatch(
      /gitops\.signing\.secret: the secret signing-key is the key SHA256:\S+, and gitops\.signing\.keys lists dev \(SHA256:\S+\); list its public half/,
    );
    expect(found).not.toContain("PRIVATE KEY");
    await expect(loaded({ previews: "preview-key" }, own.privateKey)).rejects.toThrow(
      /gitops\.signing\.previews: the secret preview-key is the key SHA256:\S+, and gitops\.signing\.others lists dev/,
    );
  });
});
