import { createHash } from "node:crypto";

/** Who is at work in a namespace of CI: what is merged, people who may push a branch, or anybody. */
export type CiWall = "deliver" | "review" | "forks";

/** The namespace of Tekton's runs behind a wall: whoever may start a run there may read all its Secrets. Without one, that of the runs that events start. */
export function ciNamespace(app: string, wall?: CiWall): string {
  return wall === undefined ? `${app}-ci` : `${app}-ci-${wall}`;
}

/** The service account of a run that an event starts, which may start runs behind the wall. */
export function ciAccount(wall: CiWall): string {
  return `delivery-${wall}`;
}

/** The longest name that Kubernetes takes for a Service, and so for everything that belongs to it (RFC 1035 label). */
export const maxNameLength = 63;

/** `link_service` → `link`, `social_graph_service` → `social-graph`: what Kubernetes, Docker Hub and people call a service. */
export function serviceName(directory: string): string {
  return directory.replace(/[_-]service$/, "").replaceAll("_", "-");
}

/** The name of a service's repository on the registry, e.g. `docker.io/acme/delinkcious-link`. */
export function imageRepository(
  images: { registry: string; organization: string },
  app: string,
  service: string,
): string {
  return `${images.registry}/${images.organization}/${app}-${service}`;
}

/** The CircleCI context of one environment, e.g. `delinkcious-dev`. */
export function contextName(app: string, environment: string): string {
  return `${app}-${environment}`;
}

/** The CircleCI context with which CI pushes what is merged. */
export function buildContextName(app: string): string {
  return contextName(app, "build");
}

/** The CircleCI context of pull requests: it may read, and no more. */
export function readContextName(app: string): string {
  return contextName(app, "read");
}

/** The CircleCI context with which pull requests get environments of their own. */
export function previewsContextName(app: string): string {
  return contextName(app, "previews");
}

/** What no environment can be called: contexts that environments share are named so. */
export const reservedEnvironments: readonly string[] = ["build", "read", "previews"];

/** The namespace of one environment unless the stack file names another. */
export function namespaceName(app: string, environment: string): string {
  return `${app}-${environment}`;
}

/** The AppProject of one environment, e.g. `delinkcious-dev`. */
export function projectName(app: string, environment: string): string {
  return `${app}-${environment}`;
}

/** The Application of one service in one environment: unique on a cluster that several environments share. */
export function applicationName(app: string, environment: string, service: string): string {
  return `${app}-${environment}-${service}`;
}

/** What Argo CD calls the cluster that it runs on, and people the first one of an environment with several. */
export const inClusterName = "in-cluster";

/** What of an environment's names belongs to one of its further clusters, e.g. `prod.eu`: its AppProject and its Applications. */
export function clusterEnvironment(environment: string, cluster: string): string {
  return `${environment}.${cluster}`;
}

/** The environment variable with the content of a kubeconfig: CI's contexts hold texts, and no files. */
export const kubeconfigVariable = "DELIVERY_KUBECONFIG";

/** The environment of one pull request, e.g. `pr-12`. @param pullRequest its number, or what stands for it in a template */
export function previewName(pullRequest: number | string): string {
  return `pr-${pullRequest}`;
}

/** The part of a host that names a service, e.g. `pr-7-link`; DNS takes no more than 63 characters there. */
export function hostLabel(prefix: string, service: string): string {
  const label = `${prefix}${service}`;
  if (label.length <= maxNameLength) return label;
  const hash = createHash("sha256").update(label).digest("hex").slice(0, 8);
  return `${label.slice(0, maxNameLength - hash.length - 1).replace(/-+$/, "")}-${hash}`;
}

/** The namespaces of all preview environments, as a regular expression. */
export function previewNamespaces(app: string): string {
  return namespaceName(app, previewName("[0-9]+"));
}

/** The AppProject of the preview environments, e.g. `delinkcious-previews`. */
export function previewsProjectName(app: string): string {
  return `${app}-previews`;
}

/** The environment variables of CI with a login that may only read: a build for a pull request has no other. */
export const pullVariables = {
  username: "DELIVERY_PULL_USERNAME",
  password: "DELIVERY_PULL_PASSWORD",
  /** The registry that it is for, as image names have it. @default docker.io */
  registry: "DELIVERY_PULL_REGISTRY",
} as const;

/** What begins the names of the environment variables of CI that hold the secrets of builds. */
export const buildSecretPrefix = "DELIVERY_BUILD_SECRET_";

/** The environment variable of CI with a secret of the stack that builds take: `npm-token` → `DELIVERY_BUILD_SECRET_NPM_TOKEN`. */
export function buildSecretVariable(secret: string): string {
  return `${buildSecretPrefix}${secret.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
}

/** The environment variable of CI's builds with the private key that signs images, in base64. */
export const imageKeyVariable = "DELIVERY_IMAGE_KEY";

/** The Secret with which pods pull from the registry. */
export const pullSecretName = "registry-credentials";

/** The Secret with the environment variables of one service. */
export function secretName(service: string): string {
  return `${service}-secrets`;
}

/** The ConfigMap and the Secret with the files of one service. With the dot, it is the name of no service's own objects. */
export function filesName(service: string): string {
  return `${service}.files`;
}

/** The ConfigMap with the images that pods of a service, or of its migrations, may have. With the dot, as above. */
export function allowedImagesName(owner: string): string {
  return `${owner}.images`;
}

/** The same for all pods of a preview environment. */
export const previewImagesName = allowedImagesName("preview");

/** The label of the namespaces of an app's preview environments, where the cluster asks which images pods may have. */
export function previewNamespaceLabel(app: string): Record<string, string> {
  return { "delivery/previews-of": app };
}

/** The label of pods that belong to no service and run its images: what services bring along. */
export const imagesOfLabel = "delivery/images-of";

/** The environment variable in which a service finds a peer: `social-graph` → `SOCIAL_GRAPH_URL`. */
export function peerVariable(peer: string): string {
  return `${peer.toUpperCase().replaceAll("-", "_")}_URL`;
}

/** What belongs to the migrations of a service: their Application, network policy and pods. */
export function migrationName(service: string): string {
  return `${service}-migration`;
}

/** What is measured while a service's pods are changed in steps. */
export function canaryAnalysisName(service: string): string {
  return `${service}-canary`;
}

/** What is measured before and after requests go to a service's new pods, all at once. */
export function promotionAnalysisName(service: string, when: "pre" | "post"): string {
  return `${service}-${when}-promotion`;
}

/** The Service that leads to the new pods alone, where a Gateway splits requests. */
export function canaryServiceName(service: string): string {
  return `${service}-canary`;
}

/** The Service that leads to the new pods before requests for the service do. */
export function previewServiceName(service: string): string {
  return `${service}-preview`;
}

/** The Job of one attempt at the migration of one image, e.g. `link-migration-0123abcd-1`: no two attempts share a name. */
export function migrationJobName(service: string, digest: string, attempt: number): string {
  return `${migrationName(service)}-${digest.replace(/^sha256:/, "").slice(0, 8)}-${attempt}`;
}

/** The longest name of a service that has migrations: the names of its Jobs become labels of pods. */
export const maxMigratedNameLength = maxNameLength - migrationJobName("", "0".repeat(8), 9999).length;

/** Why a name cannot be that of a Kubernetes Service; `undefined`: it can. */
export function nameProblem(name: string): string | undefined {
  if (name.length > maxNameLength) return `has ${name.length} characters; Kubernetes takes at most ${maxNameLength}`;
  if (!/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name)) {
    return "is not a Kubernetes name: lower case letters, digits and '-', starting with a letter, ending with a letter or digit";
  }
  return undefined;
}
