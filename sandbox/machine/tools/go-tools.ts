import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheDir, withLock } from "../cache.ts";
import type { SourcePatch } from "./patched-module.ts";
import {
  buildPackages,
  checkGo,
  copyFiles,
  executableName,
  goSettings,
  listPackages,
  type GoModule,
  type ModuleFiles,
} from "./go-build.ts";

/** Downloaded modules and compiled packages, at their peak. */
const neededBytes = 10e9;

/**
 * Builds those of the tools that the cache lacks and returns the absolute path of each. Two processes that call it at
 * once build nothing twice; one that was killed is continued by the next.
 *
 * @param report takes one line of progress, at least every ten seconds
 * @throws Error that names the tool, with the last lines of the compiler and a hint what to do
 */
export async function buildTools<T extends ToolName>(
  names: readonly T[],
  report: (line: string) => void,
): Promise<Record<T, string>> {
  const paths = Object.fromEntries(names.map((name) => [name, toolPath(name)]));
  if (missing(names).length > 0) {
    await withLock(
      join(cacheDir(), "tools.lock"),
      (owner, seconds) => report(`tools: waiting for process ${owner}, which builds them … ${seconds} s`),
      // The process that was waited for may have built all of them.
      async () => build(missing(names), report),
    );
  }
  // fromEntries() forgets that its keys are the given names.
  return paths as Record<T, string>;
}

/** Where the cache holds a tool: in a folder named by everything that the binary is made from. */
export function toolPath(name: ToolName): string {
  const family = familyOf(name);
  return join(
    cacheDir(),
    "tools",
    `${family}-${familyKey(join(import.meta.dirname, family), { ...families[family], ...goSettings })}`,
    name,
  );
}

/** Hash of a family's files and settings. The machine's own Go is not part of it: go.mod says which version builds. */
export function familyKey(folder: string, settings: object): string {
  const hash = createHash("sha256").update(JSON.stringify([settings, process.platform, process.arch]));
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    /\.go$|^go\.(mod|sum)$/.test(file),
  );
  for (const file of files.toSorted()) hash.update(`\0${file}\0`).update(readFileSync(join(folder, file)));
  return hash.digest("hex").slice(0, 16);
}

async function build(names: readonly ToolName[], report: (line: string) => void): Promise<void> {
  if (names.length === 0) return;
  const started = Date.now();
  // Under the lock nobody else uses this folder. What a killed run has compiled is used again: Go checks its caches itself.
  const work = join(cacheDir(), "building");
  const resumed = existsSync(work);
  const bin = join(work, "bin");
  rmSync(bin, { recursive: true, force: true });
  mkdirSync(bin, { recursive: true });
  report(
    `tools: building ${names.join(", ")} from source, once per machine${resumed ? " (continues an interrupted build)" : ""}`,
  );
  const abort = new AbortController();
  try {
    await checkGo();
    if (!resumed) checkDisk(work);
    const batches = batchesOf(names, work, abort.signal);
    // Downloads wait for the network and compilers for the processor: all families download while the first is compiled.
    const lists = batches.map(({ module }) => listPackages(module, report));
    for (const list of lists) list.catch(() => undefined);
    for (const [index, { module, tools }] of batches.entries()) {
      await buildPackages(module, (await lists[index]) ?? [], bin, (line) =>
        report(`[${index + 1}/${batches.length}] ${line}`),
      );
      for (const tool of tools) {
        const files = filesOf(tool);
        if (files !== undefined) await copyFiles(module, files, join(bin, tool));
        publish(join(bin, files === undefined ? executableName(packageOf(tool)) : tool), toolPath(tool));
      }
    }
    report(`tools: built in ${Math.round((Date.now() - started) / 1000)} s`);
  } finally {
    // After a failure the other families' downloads would go on, into a folder that is being removed.
    abort.abort();
    rmSync(work, { recursive: true, force: true });
  }
}

function batchesOf(
  names: readonly ToolName[],
  work: string,
  signal: AbortSignal,
): { module: GoModule; tools: ToolName[] }[] {
  return familyNames.flatMap((family) => {
    const tools = names.filter((name) => familyOf(name) === family);
    if (tools.length === 0) return [];
    const { title, variables, patches = [] }: Family = families[family];
    const module = {
      title,
      variables,
      patches,
      patchedModules: join(work, "patched"),
      signal,
      folder: join(import.meta.dirname, family),
      packages: tools.filter((tool) => filesOf(tool) === undefined).map(packageOf),
      moduleCache: join(work, "modules"),
      buildCache: join(work, "compiled"),
    };
    return [{ module, tools }];
  });
}

function checkDisk(folder: string): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free < neededBytes) {
    throw new Error(
      `${folder}: ${(free / 1e9).toFixed(1)} GB are free, building the sandbox's tools takes ${neededBytes / 1e9} GB for a while (0.5 GB stay). ` +
        "Free some, or point XDG_CACHE_HOME at a bigger disk.",
    );
  }
}

function publish(built: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  renameSync(built, path);
}

function missing<T extends ToolName>(names: readonly T[]): T[] {
  return names.filter((name) => !existsSync(toolPath(name)));
}

/** Tools that share a Go module, so that what they have in common is compiled once. */
interface Family {
  title: string;
  /** Link-time settings, by variable. */
  variables: Readonly<Record<string, string>>;
  /** Package of each tool. */
  packages: Readonly<Record<string, string>>;
  patches?: readonly SourcePatch[];
  /** Files of a module that come along as they are, by the name of the folder that the cache keeps them in. */
  files?: Readonly<Record<string, ModuleFiles>>;
}

/** All families; a family's module is the folder of its name. */
const families = {
  cluster: {
    title: "Kubernetes 1.36.3, etcd, CoreDNS, kwok",
    // Without its version the API server serves as v0.0.0, which clients refuse.
    variables: {
      "k8s.io/component-base/version.gitMajor": "1",
      "k8s.io/component-base/version.gitMinor": "36",
      "k8s.io/component-base/version.gitVersion": "v1.36.3",
      "k8s.io/client-go/pkg/version.gitVersion": "v1.36.3",
    },
    packages: {
      kube: "./kube",
      etcd: "go.etcd.io/etcd/server/v3",
      coredns: "./coredns",
      kwok: "sigs.k8s.io/kwok/cmd/kwok",
    },
  },
  images: {
    title: "BuildKit, registry, crane",
    variables: {},
    packages: {
      buildkitd: "github.com/moby/buildkit/cmd/buildkitd",
      buildctl: "github.com/moby/buildkit/cmd/buildctl",
      registry: "./registry",
      crane: "github.com/google/go-containerregistry/cmd/crane",
      "dockerfile-frontend": "github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend",
    },
  },
  pulumi: {
    title: "Pulumi 3.258.0",
    // Without it the Automation API cannot tell whether the CLI is recent enough.
    variables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v3.258.0" },
    packages: { pulumi: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi" },
  },
  argocd: {
    title: "Argo CD 3.6.1, kustomize 5.8.3",
    variables: { "github.com/argoproj/argo-cd/v3/common.version": "3.6.1" },
    // The application controller's metrics: the other components have a flag for the address.
    patches: [
      {
        module: "github.com/argoproj/argo-cd/v3",
        file: "controller/appcontroller.go",
        from: '"0.0.0.0:%d", metricsPort',
        to: '"127.0.0.1:%d", metricsPort',
      },
    ],
    packages: {
      argocd: "./argocd",
      "git-ask-pass": "./git-ask-pass",
      redis: "./redis",
      kustomize: "sigs.k8s.io/kustomize/kustomize/v5",
    },
    files: {
      "argocd-files": {
        module: "github.com/argoproj/argo-cd/v3",
        paths: ["manifests/install.yaml", "hack/git-verify-wrapper.sh", "hack/gpg-wrapper.sh"],
      },
    },
  },
} as const satisfies Record<string, Family>;

type FamilyName = keyof typeof families;

/**
 * What the sandbox makes from the Go module proxy: binaries, and `…-files`, which are folders. `kube` holds all Kubernetes
 * components: `kube kube-apiserver …`; so does `argocd` for those of Argo CD, chosen by the name it is started by.
 */
export type ToolName = { [F in FamilyName]: NamesIn<(typeof families)[F]> }[FamilyName];

type NamesIn<F extends Family> = (keyof F["packages"] | (F extends { files: infer Files } ? keyof Files : never)) &
  string;

/** In the order in which they are built. */
const familyNames: readonly FamilyName[] = ["cluster", "images", "pulumi", "argocd"];

/** The family that a tool is in. */
function familyOf(tool: ToolName): FamilyName {
  const family = familyNames.find((name) => tool in families[name].packages || filesOf(tool, name) !== undefined);
  if (!family) throw new Error(`Tool ${JSON.stringify(tool)} is in no family of ${import.meta.filename}.`);
  return family;
}

/** The files that a tool consists of; undefined: it is a binary. */
function filesOf(tool: ToolName, family: FamilyName = familyOf(tool)): ModuleFiles | undefined {
  const { files = {} }: Family = families[family];
  return files[tool];
}

/** The Go package that a tool is built from. */
function packageOf(tool: ToolName): string {
  const packages: Readonly<Record<string, string>> = families[familyOf(tool)].packages;
  const found = packages[tool];
  if (found === undefined) throw new Error(`Tool ${JSON.stringify(tool)} has no package in ${import.meta.filename}.`);
  return found;
}
