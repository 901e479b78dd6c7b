import type { Problem } from "../../core/problem.ts";
import type { Identity } from "../../git/committer.ts";
import { allKeys, argoCdKeys, type SigningKeys } from "../../git/signing-keys.ts";
import { nameOf, type KubernetesObject } from "../../kubernetes/object.ts";
import { argoCdObjects, requiredObjects, type ArgoCdSettings } from "./argo-cd-objects.ts";
import {
  argoRolloutsObjects,
  argoRolloutsPublication,
  requiredOfArgoRollouts,
  type ArgoRolloutsSettings,
} from "./argo-rollouts.ts";
import { imageUpdaterObjects, requiredOfImageUpdater } from "./image-updater-objects.ts";
import { readRelease, type Publication, type ReleaseSettings } from "./release.ts";

/** What the stack that owns Argo CD installs on the cluster: objects as they are declared. */
export interface Installations {
  /** @default another stack's installation is used, or none */
  argoCd?: readonly KubernetesObject[] | undefined;
  /** @default another stack's installation is used, or none */
  imageUpdater?: readonly KubernetesObject[] | undefined;
  /** @default another stack's installation is used, or none */
  argoRollouts?: readonly KubernetesObject[] | undefined;
  problems: readonly Problem[];
}

export interface InstallationsArgs {
  /** The stack file, for messages. */
  file: string;
  delivery: "gitops" | "direct";
  /** Whether this stack owns the installation of Argo CD, and of what goes with it. */
  ownsArgoCd: boolean;
  /** How many there are: Argo CD is set up for so many. */
  services: number;
  gitops?:
    | {
        release: "commit" | "registry-watch";
        argoCd: ArgoCdSettings;
        imageUpdater: ReleaseSettings;
        rollouts?: "existing" | ArgoRolloutsSettings | undefined;
        committer?: Identity | undefined;
        signing?: SigningKeys | undefined;
      }
    | undefined;
}

/** Reads the releases that this stack installs, before anything is declared. */
export async function readInstallations({
  file,
  delivery,
  ownsArgoCd,
  services,
  gitops,
}: InstallationsArgs): Promise<Installations> {
  if (delivery !== "gitops" || !ownsArgoCd || gitops === undefined) return { problems: [] };
  const { imageUpdater, committer, signing, rollouts = "existing" } = gitops;
  const argoCd = { ...gitops.argoCd, services, gpgKeys: signing && argoCdKeys(allKeys(signing)) };
  const releases = await Promise.all([
    readRelease({
      location: `${file}: gitops.argoCd`,
      publication: argoCdPublication(argoCd),
      settings: argoCd,
      required: requiredObjects(argoCd),
    }),
    gitops.release === "registry-watch"
      ? readRelease({
          location: `${file}: gitops.imageUpdater`,
          publication: imageUpdaterPublication,
          settings: imageUpdater,
          required: requiredOfImageUpdater({ committer }),
        })
      : undefined,
    rollouts === "existing"
      ? undefined
      : readRelease({
          location: `${file}: gitops.rollouts`,
          publication: argoRolloutsPublication,
          settings: rollouts,
          required: requiredOfArgoRollouts,
        }),
  ]);
  const problems = releases.flatMap((release) =>
    release !== undefined && "problem" in release ? [release.problem] : [],
  );
  const missing = missingSourceIntegrity(file, argoCd, releases[0]);
  const [ofArgoCd, ofImageUpdater, ofRollouts] = releases.map((release) =>
    release !== undefined && "objects" in release ? release.objects : undefined,
  );
  return {
    argoCd: ofArgoCd && argoCdObjects(ofArgoCd, argoCd),
    imageUpdater: ofImageUpdater && imageUpdaterObjects(ofImageUpdater, { namespace: argoCd.namespace, committer }),
    argoRollouts: ofRollouts && rollouts !== "existing" ? argoRolloutsObjects(ofRollouts, rollouts) : undefined,
    problems: [...problems, ...missing],
  };
}

/** The API server would drop what the definition does not know, and every commit would count as signed. */
function missingSourceIntegrity(
  file: string,
  { gpgKeys }: ArgoCdSettings,
  release: Awaited<ReturnType<typeof readRelease>> | undefined,
): Problem[] {
  if (gpgKeys === undefined || release === undefined || "problem" in release) return [];
  const definition = release.objects.find((object) => nameOf(object) === "appprojects.argoproj.io");
  if (JSON.stringify(definition).includes('"sourceIntegrity"')) return [];
  const message =
    "this release of Argo CD checks no signatures by AppProject; set gitops.argoCd to 3.5 or newer, or list keys of SSH, which `delivery drift` checks";
  return [{ location: `${file}: gitops.signing`, message }];
}

const github = "https://raw.githubusercontent.com";

/** Argo CD has a file for each of its two variants. Source: https://argo-cd.readthedocs.io/en/stable/operator-manual/installation/ */
function argoCdPublication({ highAvailability }: Pick<ArgoCdSettings, "highAvailability">): Publication {
  const file = highAvailability ? "ha/install.yaml" : "install.yaml";
  return {
    product: "Argo CD",
    file,
    url: (version) => `${github}/argoproj/argo-cd/v${version}/manifests/${file}`,
    module: { path: "github.com/argoproj/argo-cd/v3", file: `manifests/${file}` },
    tested: {
      version: "3.6.1",
      sha256: highAvailability
        ? "37b0e8f5ff512017cda28578fecdb585267ec69e02954a67449296724635b05a"
        : "7be23ca7d9ca3d3074dee8332f1ca92a933b990cee7c9cf22cf3843ee8c2913e",
    },
  };
}

/** Source: https://argocd-image-updater.readthedocs.io/en/stable/install/installation/ */
const imageUpdaterPublication: Publication = {
  product: "Argo CD Image Updater",
  file: "config/install.yaml",
  url: (version) => `${github}/argoproj-labs/argocd-image-updater/v${version}/config/install.yaml`,
  tested: { version: "1.2.2", sha256: "9551f4135c714c57b0637260e2bef1b47fb081dd66c3baea5db8bd491f8af22b" },
};
