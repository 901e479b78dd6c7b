/** Tools that share a Go module, so that what they have in common is compiled once. */
interface Family {
  title: string;
  /** Link-time settings, by variable. */
  variables: Readonly<Record<string, string>>;
  /** Package of each tool. */
  packages: Readonly<Record<string, string>>;
  /** Files of a module that come along as they are, by the name of the folder that the cache keeps them in. */
  files?: Readonly<Record<string, ModuleFiles>>;
}

/** Files of a Go module that are not compiled. */
export interface ModuleFiles {
  /** One of those that the family's module depends on. */
  module: string;
  paths: readonly string[];
}

/** All families; a family's module is the folder of its name. */
export const families = {
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

export type FamilyName = keyof typeof families;

/**
 * What the sandbox makes from the Go module proxy: binaries, and `…-files`, which are folders. `kube` holds all Kubernetes
 * components: `kube kube-apiserver …`; so does `argocd` for those of Argo CD, chosen by the name it is started by.
 */
export type ToolName = { [F in FamilyName]: NamesIn<(typeof families)[F]> }[FamilyName];

type NamesIn<F extends Family> = (keyof F["packages"] | (F extends { files: infer Files } ? keyof Files : never)) &
  string;

/** In the order in which they are built. */
export const familyNames: readonly FamilyName[] = ["cluster", "images", "pulumi", "argocd"];

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
