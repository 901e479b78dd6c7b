import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheDir } from "../cache.ts";
import { goSettings, type ModuleFiles } from "./go-build.ts";
import { pulumiVersion } from "./own-pulumi.ts";
import { patchesOf } from "./source-patches.ts";

/** Tools that are built together, and replaced together. */
interface Family {
  title: string;
  /** Link-time settings, by variable. */
  variables: Readonly<Record<string, string>>;
  /** Package of each tool. */
  packages: Readonly<Record<string, string>>;
  /** Files of a module that come along as they are, by the name of the folder that the cache keeps them in. */
  files?: Readonly<Record<string, ModuleFiles>>;
}

/** What is on a cluster with Tekton but its Deployments and their rights: here, both are processes of this machine. */
const tektonFiles: readonly string[] = [
  "100-namespace/100-namespace",
  ...[
    "defaults",
    "events",
    "feature-flags",
    "info",
    "leader-election-controller",
    "leader-election-events",
    "leader-election-webhook",
    "logging",
    "observability",
    "registry-cert",
    "spire",
    "tracing",
    "wait-exponential-backoff",
  ].map((name) => `config-${name}`),
  ...[
    "customrun",
    "pipeline",
    "pipelinerun",
    "resolutionrequest",
    "stepaction",
    "task",
    "taskrun",
    "verificationpolicy",
  ].map((kind) => `300-crds/300-${kind}`),
  "500-webhooks",
].map((path) => `config/${path}.yaml`);

/**
 * All families; what is written for one is in the folder of its name. They are one Go module: what they share is compiled once.
 * A family whose folder has a go.mod is a module of its own, which nothing but a test or a flag asks for. But for Argo Rollouts it
 * takes the same versions, so that where all are built, what they share is compiled once all the same.
 */
export const families = {
  cluster: {
    title: "Kubernetes 1.37.2, etcd 3.7.3, CoreDNS",
    // Without its version the API server serves as v0.0.0, which clients refuse.
    variables: {
      "k8s.io/component-base/version.gitMajor": "1",
      "k8s.io/component-base/version.gitMinor": "37",
      "k8s.io/component-base/version.gitVersion": "v1.37.2",
      "k8s.io/client-go/pkg/version.gitVersion": "v1.37.2",
    },
    packages: {
      kube: "./cluster/kube",
      etcd: "go.etcd.io/etcd/server/v3",
      coredns: "./cluster/coredns",
      kwok: "sigs.k8s.io/kwok/cmd/kwok",
    },
  },
  images: {
    title: "BuildKit, registry, crane",
    variables: {},
    packages: {
      buildkitd: "github.com/moby/buildkit/cmd/buildkitd",
      buildctl: "github.com/moby/buildkit/cmd/buildctl",
      registry: "./images/registry",
      crane: "github.com/google/go-containerregistry/cmd/crane",
      "dockerfile-frontend": "github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend",
    },
  },
  pulumi: {
    title: `Pulumi ${pulumiVersion}`,
    // Without it the Automation API cannot tell whether the CLI is recent enough.
    variables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${pulumiVersion}` },
    packages: { pulumi: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi" },
  },
  argocd: {
    title: "Argo CD 3.6.1, kustomize 5.8.3",
    variables: { "github.com/argoproj/argo-cd/v3/common.version": "3.6.1" },
    packages: {
      argocd: "./argocd/argocd",
      "git-ask-pass": "./argocd/git-ask-pass",
      redis: "./argocd/redis",
      kustomize: "sigs.k8s.io/kustomize/kustomize/v5",
    },
    files: {
      "argocd-files": {
        module: "github.com/argoproj/argo-cd/v3",
        paths: ["manifests/install.yaml", "hack/git-verify-wrapper.sh", "hack/gpg-wrapper.sh"],
      },
    },
  },
  gateway: {
    title: "Traefik 3.7.13",
    variables: { "github.com/traefik/traefik/v3/pkg/version.Version": "3.7.13" },
    packages: { traefik: "github.com/traefik/traefik/v3/cmd/traefik" },
    files: {
      "gateway-files": {
        module: "sigs.k8s.io/gateway-api",
        // All that Traefik watches, whether there are any or not.
        paths: [
          "backendtlspolicies",
          "gatewayclasses",
          "gateways",
          "grpcroutes",
          "httproutes",
          "referencegrants",
          "tlsroutes",
        ].map((plural) => `config/crd/standard/gateway.networking.k8s.io_${plural}.yaml`),
      },
    },
  },
  rollouts: {
    title: "Argo Rollouts 1.10.2",
    variables: { "github.com/argoproj/argo-rollouts/utils/version.version": "v1.10.2" },
    packages: { "rollouts-controller": "github.com/argoproj/argo-rollouts/cmd/rollouts-controller" },
    files: {
      "rollouts-files": {
        module: "github.com/argoproj/argo-rollouts",
        // All that the controller watches.
        paths: ["analysis-run", "analysis-template", "cluster-analysis-template", "experiment", "rollout"].map(
          (kind) => `manifests/crds/${kind}-crd.yaml`,
        ),
      },
    },
  },
  tekton: {
    title: "Tekton Pipelines 1.15.0",
    variables: {},
    packages: {
      "tekton-controller": "github.com/tektoncd/pipeline/cmd/controller",
      "tekton-webhook": "github.com/tektoncd/pipeline/cmd/webhook",
      "tekton-entrypoint": "github.com/tektoncd/pipeline/cmd/entrypoint",
      "tekton-nop": "github.com/tektoncd/pipeline/cmd/nop",
      "tekton-workingdirinit": "github.com/tektoncd/pipeline/cmd/workingdirinit",
    },
    files: {
      "tekton-files": {
        module: "github.com/tektoncd/pipeline",
        paths: tektonFiles,
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

/** In the order in which they are built: the cluster starts while Argo CD and Pulumi are compiled, which need it. */
export const familyNames: readonly FamilyName[] = [
  "images",
  "cluster",
  "argocd",
  "pulumi",
  "gateway",
  "rollouts",
  "tekton",
];

/** The family that a tool is in. */
export function familyOf(tool: ToolName): FamilyName {
  const family = familyNames.find((name) => tool in families[name].packages || filesOf(tool, name) !== undefined);
  if (!family) throw new Error(`Tool ${JSON.stringify(tool)} is in no family of ${import.meta.filename}.`);
  return family;
}

/** The files that a tool consists of; undefined: it is a binary. */
export function filesOf(tool: ToolName, family: FamilyName = familyOf(tool)): ModuleFiles | undefined {
  const { files = {} }: Family = families[family];
  return files[tool];
}

/** The Go package that a tool is built from. */
export function packageOf(tool: ToolName): string {
  const packages: Readonly<Record<string, string>> = families[familyOf(tool)].packages;
  const found = packages[tool];
  if (found === undefined) throw new Error(`Tool ${JSON.stringify(tool)} has no package in ${import.meta.filename}.`);
  return found;
}

/** The Go module that a family is part of. */
export function moduleFolder(family: FamilyName): string {
  const own = join(import.meta.dirname, family);
  return existsSync(join(own, "go.mod")) ? own : import.meta.dirname;
}

/** Where the cache holds a tool: in a folder named by everything that the binary is made from. */
export function toolPath(name: ToolName): string {
  const family = familyOf(name);
  const folder = moduleFolder(family);
  const settings = { ...families[family], ...goSettings, patches: patchesOf(folder) };
  const key = familyKey(folder, folder === import.meta.dirname ? family : ".", settings);
  return join(cacheDir(), "tools", `${family}-${key}`, name);
}

/**
 * Hash of the files and settings that a family is made from: the module, and the family's own. The machine's own Go is
 * not part of it: go.mod says which version builds.
 */
export function familyKey(folder: string, family: string, settings: object): string {
  const hash = createHash("sha256").update(JSON.stringify([settings, process.platform, process.arch]));
  const files = ["left-out", family].flatMap((part) =>
    existsSync(join(folder, part))
      ? readdirSync(join(folder, part), { recursive: true, encoding: "utf8" }).map((file) => join(part, file))
      : [],
  );
  const read = files.filter((file) => /\.go$|(^|\/)go\.(mod|sum)$/.test(file));
  for (const file of ["go.mod", "go.sum", ...read.toSorted()])
    hash.update(`\0${file}\0`).update(readFileSync(join(folder, file)));
  return hash.digest("hex").slice(0, 16);
}
