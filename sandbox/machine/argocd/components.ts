import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { frugalGo, type ProcessSpec } from "../process.ts";
import type { ArgoCdParameters } from "./parameters.ts";

/** Ports of the components, all on 127.0.0.1. */
interface ArgoCdPorts {
  redis: number;
  repoServer: number;
  repoServerMetrics: number;
  controllerMetrics: number;
  applicationSetMetrics: number;
  applicationSetWebhook: number;
}

interface ComponentOptions {
  tools: ArgoCdTools;
  folders: ArgoCdFolders;
  ports: ArgoCdPorts;
  redisPassword: string;
}

/** What a component has of the cluster. */
interface ComponentCluster {
  kubeconfigPath: string;
  namespace: string;
}

/** The cache of the other components. */
export function redis({ tools, ports, redisPassword }: ComponentOptions): ProcessSpec {
  return {
    name: "argocd-redis",
    command: tools.redis,
    args: [`127.0.0.1:${ports.redis}`],
    env: { ...frugalGo, REDIS_PASSWORD: redisPassword },
    ready: () => accepts(ports.redis),
  };
}

/** Clones the repositories and runs kustomize. It needs nothing of the cluster. */
export function repoServer(
  { folders, ports, redisPassword }: ComponentOptions,
  parameters: ArgoCdParameters,
): ProcessSpec {
  return {
    name: "argocd-repo-server",
    command: join(folders.bin, "argocd-repo-server"),
    args: [
      "--address=127.0.0.1",
      `--port=${ports.repoServer}`,
      "--metrics-address=127.0.0.1",
      `--metrics-port=${ports.repoServerMetrics}`,
      `--redis=127.0.0.1:${ports.redis}`,
      // On the loopback interface; with a client authority, its default, it would insist on TLS.
      "--disable-tls",
      "--client-ca-path=",
      "--logformat=text",
    ],
    env: {
      ...parameters.repoServer,
      ...environmentOf(folders),
      REDIS_PASSWORD: redisPassword,
      ARGOCD_GNUPGHOME: folders.gpgKeys,
      ARGOCD_GPG_DATA_PATH: folders.gpgSource,
      // Making its own key takes it a second.
      ARGOCD_GPG_ENABLED: String(Object.keys(parameters.gpgKeys).length > 0),
      ARGOCD_PLUGINSOCKFILEPATH: folders.plugins,
      ARGOCD_ASK_PASS_SOCK: folders.askPassSocket,
      // The machine's own Git settings must not shape what is deployed.
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
    },
    ready: () => answers(ports.repoServerMetrics, "/healthz"),
  };
}

/** Compares Applications with the cluster, and syncs it. */
export function controller(
  options: ComponentOptions,
  cluster: ComponentCluster,
  parameters: ArgoCdParameters,
): ProcessSpec {
  const { folders, ports, redisPassword } = options;
  return {
    name: "argocd-application-controller",
    command: join(folders.bin, "argocd-application-controller"),
    args: [
      `--kubeconfig=${cluster.kubeconfigPath}`,
      `--namespace=${cluster.namespace}`,
      `--redis=127.0.0.1:${ports.redis}`,
      `--repo-server=127.0.0.1:${ports.repoServer}`,
      "--repo-server-plaintext",
      `--metrics-port=${ports.controllerMetrics}`,
      "--logformat=text",
    ],
    env: {
      ...parameters.controller,
      ...environmentOf(folders),
      REDIS_PASSWORD: redisPassword,
      // "https://kubernetes.default.svc" then means the cluster of the kubeconfig.
      ARGOCD_FAKE_IN_CLUSTER: "true",
      KUBECONFIG: cluster.kubeconfigPath,
    },
    ready: () => answers(ports.controllerMetrics, "/healthz"),
  };
}

/** Makes the Applications of ApplicationSets. */
export function applicationSetController(options: ComponentOptions, cluster: ComponentCluster): ProcessSpec {
  const { folders, ports } = options;
  return {
    name: "argocd-applicationset-controller",
    command: join(folders.bin, "argocd-applicationset-controller"),
    args: [
      `--kubeconfig=${cluster.kubeconfigPath}`,
      `--namespace=${cluster.namespace}`,
      `--argocd-repo-server=127.0.0.1:${ports.repoServer}`,
      "--repo-server-plaintext",
      `--metrics-addr=127.0.0.1:${ports.applicationSetMetrics}`,
      `--webhook-addr=127.0.0.1:${ports.applicationSetWebhook}`,
      // Its probe would tell no more than the metrics do.
      "--probe-addr=0",
      "--logformat=text",
    ],
    env: { ...environmentOf(folders), KUBECONFIG: cluster.kubeconfigPath },
    ready: () => answers(ports.applicationSetMetrics, "/metrics"),
  };
}

function environmentOf(folders: ArgoCdFolders): Record<string, string> {
  return {
    ...frugalGo,
    PATH: `${folders.bin}:${process.env["PATH"] ?? ""}`,
    HOME: folders.home,
    TMPDIR: folders.temporary,
    ARGOCD_SSH_DATA_PATH: folders.ssh,
    ARGOCD_TLS_DATA_PATH: folders.tls,
  };
}

/** Whether a component answers 200. Not asked by fetch(), which refuses some ports. */
function answers(port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    request({ host: "127.0.0.1", port, path, timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .on("timeout", () => resolve(false))
      .on("error", () => resolve(false))
      .end();
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: 2000 });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket
      .once("connect", () => end(true))
      .once("error", () => end(false))
      .once("timeout", () => end(false));
  });
}

/** Paths of what Argo CD is made of. */
export interface ArgoCdTools {
  argocd: string;
  "git-ask-pass": string;
  redis: string;
  kustomize: string;
  /** Folder with files of Argo CD's source, under their paths there. */
  "argocd-files": string;
}

/** Where the components of Argo CD keep what a container would have in its own file system. */
interface ArgoCdFolders {
  /** For PATH: Argo CD under the names of its components, and what its repo server calls. */
  bin: string;
  home: string;
  temporary: string;
  /** Known hosts, certificates and keys of repositories; none here. */
  ssh: string;
  tls: string;
  gpgSource: string;
  gpgKeys: string;
  plugins: string;
  /** Where Git's helper asks the repo server for credentials. */
  askPassSocket: string;
}

/** The kernel's limit of the path of a Unix socket, in bytes. */
const socketPathLimit = 107;

/** Makes the folders, and renews the links to the tools, whose paths change with their versions. */
export function prepareFolders(stateDir: string, tools: ArgoCdTools): ArgoCdFolders {
  const base = join(stateDir, "argocd");
  const of = (name: string): string => join(base, name);
  const folders = {
    bin: of("bin"),
    home: of("home"),
    temporary: of("tmp"),
    ssh: of("ssh"),
    tls: of("tls"),
    gpgSource: of("gpg-source"),
    plugins: of("plugins"),
  };
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folders.ssh, "ssh_known_hosts"), "");
  const script = (name: string): string => join(tools["argocd-files"], "hack", name);
  for (const target of [tools.kustomize, script("git-verify-wrapper.sh"), script("gpg-wrapper.sh")]) {
    link(target, join(folders.bin, basename(target)));
  }
  // The repo server has Git call "argocd" for credentials; the helper of that name starts faster.
  link(tools["git-ask-pass"], join(folders.bin, "argocd"));
  for (const part of ["argocd-repo-server", "argocd-application-controller", "argocd-applicationset-controller"])
    link(tools.argocd, join(folders.bin, part));
  const askPassSocket = socketPath(base);
  // GnuPG has sockets there, too.
  const gpgKeys = join(dirname(askPassSocket), "gpg-keys");
  mkdirSync(gpgKeys, { recursive: true, mode: 0o700 });
  return { ...folders, askPassSocket, gpgKeys };
}

/** Removes everything that Argo CD keeps on this machine. */
export function removeFolders(stateDir: string): void {
  const base = join(stateDir, "argocd");
  // The repo server takes away all rights to a clone that it does not use at the moment, even its own.
  const clones = join(base, "tmp", "_argocd-repo");
  if (existsSync(clones)) {
    chmodSync(clones, 0o700);
    for (const clone of readdirSync(clones)) chmodSync(join(clones, clone), 0o700);
  }
  rmSync(base, { recursive: true, force: true });
  const socket = socketPath(base);
  if (!socket.startsWith(base)) rmSync(dirname(socket), { recursive: true, force: true });
}

function link(target: string, path: string): void {
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

function socketPath(base: string): string {
  const usual = join(base, "ask-pass.sock");
  if (Buffer.byteLength(usual) <= socketPathLimit) return usual;
  return join(
    tmpdir(),
    `delivery-sandbox-${createHash("sha256").update(base).digest("hex").slice(0, 8)}`,
    "ask-pass.sock",
  );
}
