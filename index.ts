import { CiProject } from "./components/ci-project.ts";
import { Cluster } from "./components/cluster.ts";
import { deliverDirectly } from "./components/direct-delivery.ts";
import { discoverServices } from "./components/discovery.ts";
import { deliverByGit } from "./components/gitops-delivery.ts";
import { manifestContext, serviceAddress } from "./components/manifests.ts";
import { previewNamespaces } from "./components/names.ts";
import { serviceImages } from "./components/service-image.ts";
import { putServiceSecrets } from "./components/service-secret.ts";
import { loadConfig } from "./stacks/config.ts";

const config = loadConfig();

const services = discoverServices({
  ...config,
  overrides: config.services,
  dependencies: new Set(Object.keys(config.dependencies)),
  secrets: new Set(config.secrets.keys()),
});

const images = serviceImages(services, config);

const ci = new CiProject(config.app.name, {
  ...config.ci,
  app: config.app.name,
  environment: config.environment,
  project: config.ci.project ?? config.app.name,
  owned: config.owns.ciProject,
  branch: config.github?.branch,
  token: config.circleciToken,
  registry: config.registry,
  variables: config.ci.environment,
  secrets: config.secrets,
});

const cluster = new Cluster(config.app.name, {
  ...config.cluster,
  app: config.app.name,
  environment: config.environment,
  kubeconfig: config.kubeconfig,
  registry: config.registry,
  pullSecretCopies: config.gitops?.previews && previewNamespaces(config.app.name),
});

const context = manifestContext(config, services);

const secrets = putServiceSecrets(context, cluster, config.secrets);

const deliver = { gitops: deliverByGit, direct: deliverDirectly }[config.delivery];

deliver({
  ...config,
  context,
  cluster,
  images,
  secrets,
  stackSecrets: config.secrets,
  ownsArgoCd: config.owns.argoCd,
  tag: config.images.tag,
});

/** The environment that this stack declares. */
export const environment = config.environment;
/** The CircleCI project, as `ci.projectSlug` of the other stacks has it. */
export const ciProject = ci.projectSlug;
/** Where CI finds the environment's credentials. */
export const ciContext = ci.contextName;
/** Per service: its image by digest (none as long as CI has released none) and its address. */
export const deployed = Object.fromEntries(
  services.map((service) => [
    service.name,
    { image: images.get(service.name)?.reference, address: serviceAddress(context, service) },
  ]),
);
