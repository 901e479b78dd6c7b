import { chmodSync, existsSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  applicationSetController,
  controller,
  prepareFolders,
  removeFolders,
  repoServer,
  type ArgoCdTools,
} from "../../../../../sandbox/machine/argocd/components.ts";
import { noParameters } from "../../../../../sandbox/machine/argocd/parameters.ts";
import { withToken } from "../../../../../sandbox/machine/argocd/installation.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "argocd-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const tools: ArgoCdTools = {
  argocd: "/cache/argocd",
  "git-ask-pass": "/cache/git-ask-pass",
  redis: "/cache/redis",
  kustomize: "/cache/kustomize",
  "argocd-files": "/cache/argocd-files",
};

test("a new version of the tools is linked in place of the old one", () => {
  prepareFolders(folder, { ...tools, kustomize: "/old/kustomize" });
  const { bin } = prepareFolders(folder, tools);
  expect(readlinkSync(join(bin, "kustomize"))).toBe("/cache/kustomize");
  expect(readlinkSync(join(bin, "argocd-application-controller"))).toBe("/cache/argocd");
  expect(readlinkSync(join(bin, "argocd-applicationset-controller"))).toBe("/cache/argocd");
  expect(readlinkSync(join(bin, "argocd"))).toBe("/cache/git-ask-pass");
  expect(readlinkSync(join(bin, "gpg-wrapper.sh"))).toBe("/cache/argocd-files/hack/gpg-wrapper.sh");
});

test("a socket's path is short enough, however long the state directory's is", () => {
  const deep = join(folder, "x".repeat(100));
  const { askPassSocket, gpgKeys } = prepareFolders(deep, tools);
  // GnuPG makes sockets there with names of up to 20 bytes.
  expect(Buffer.byteLength(gpgKeys)).toBeLessThanOrEqual(87);
  expect(Buffer.byteLength(askPassSocket)).toBeLessThanOrEqual(107);
  expect(prepareFolders(deep, tools).askPassSocket).toBe(askPassSocket);
  removeFolders(deep);
  expect(existsSync(dirname(askPassSocket))).toBe(false);
});

test("clones without any rights are removed, too", () => {
  const { temporary } = prepareFolders(folder, tools);
  const clone = join(temporary, "_argocd-repo", "1");
  mkdirSync(clone, { recursive: true });
  writeFileSync(join(clone, "file"), "");
  chmodSync(clone, 0);
  chmodSync(dirname(clone), 0o300);
  removeFolders(folder);
  expect(existsSync(temporary)).toBe(false);
});

const ports = {
  redis: 1,
  repoServer: 2,
  repoServerMetrics: 3,
  controllerMetrics: 4,
  applicationSetMetrics: 5,
  applicationSetWebhook: 6,
};

test("the ApplicationSet controller can be reached from this machine alone", () => {
  const options = { tools, folders: prepareFolders(folder, tools), ports, redisPassword: "secret" };
  const { args } = applicationSetController(options, { kubeconfigPath: "/k", namespace: "argocd" });
  expect(args.filter((arg) => arg.includes("-addr="))).toEqual([
    "--metrics-addr=127.0.0.1:5",
    "--webhook-addr=127.0.0.1:6",
    "--probe-addr=0",
  ]);
});

test("the parts' password is in no argument", () => {
  const options = { tools, folders: prepareFolders(folder, tools), ports, redisPassword: "secret" };
  const cluster = { kubeconfigPath: "/k", namespace: "argocd" };
  for (const part of [repoServer(options, noParameters), controller(options, cluster, noParameters)]) {
    expect(part.args.join(" ")).not.toContain("secret");
    expect(part.env).toMatchObject({ REDIS_PASSWORD: "secret" });
  }
});

test("the parts have what the installation's ConfigMap says, which does not replace what this machine says", () => {
  const options = { tools, folders: prepareFolders(folder, tools), ports, redisPassword: "secret" };
  const parameters = {
    controller: { A: "1", REDIS_PASSWORD: "other" },
    repoServer: { B: "2", HOME: "/app" },
    gpgKeys: {},
  };
  const cluster = { kubeconfigPath: "/k", namespace: "argocd" };
  expect(controller(options, cluster, parameters).env).toMatchObject({ A: "1", REDIS_PASSWORD: "secret" });
  expect(repoServer(options, parameters).env).toMatchObject({
    B: "2",
    HOME: options.folders.home,
    ARGOCD_GPG_ENABLED: "false",
  });
  const signed = { ...parameters, gpgKeys: { "0123456789ABCDEF": "key" } };
  expect(repoServer(options, signed).env).toMatchObject({ ARGOCD_GPG_ENABLED: "true" });
});

test("the controller's kubeconfig is the administrator's with another token", () => {
  const kubeconfig = JSON.stringify({
    clusters: [{ name: "c" }],
    users: [{ name: "u", user: { token: "admin" } }],
    "current-context": "x",
  });
  expect(JSON.parse(withToken(kubeconfig, "own"))).toEqual({
    clusters: [{ name: "c" }],
    users: [{ name: "u", user: { token: "own" } }],
    "current-context": "x",
  });
});
