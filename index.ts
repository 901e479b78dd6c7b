import { declareCi } from "./components/ci.ts";
import { Cluster } from "./components/cluster/cluster.ts";
import { furtherClusters } from "./components/cluster/further-clusters.ts";
import { deliverDirectly } from "./components/direct-delivery.ts";
import { findServices, unclaimedDockerfiles } from "./components/service/find-services.ts";
import { deliverByGit } from "./components/gitops-delivery.ts";
import { readInstallations } from "./components/argo-cd/installations.ts";
import { serviceAddress } from "./components/manifests/manifests.ts";
import { manifestContext } from "./components/manifests/manifest-context.ts";
import { reportObjects } from "./components/manifests/object-report.ts";
import { rejectProblems, remark, warn } from "./components/rejection.ts";
import { serviceImages } from "./components/service-image.ts";
import { putServiceSecrets } from "./components/cluster/service-secret.ts";
import { loadConfig } from "./stacks/config.ts";
import {
  ciArgs,
  clusterArgs,
  deliveryArgs,
  discoveryArgs,
  furtherClusterSettings,
  installationsArgs,
  readSchedules,
} from "./stacks/stage-args.ts";
import { endedFreeze } from "./stacks/windows-schema.ts";

const config = loadConfig();

const { services, problems } = findServices(discoveryArgs(config));
const installations = await readInstallations(installationsArgs(config, services));

const { schedules, problems: scheduleProblems } = await readSchedules(config);
const context = manifestContext(config, services);
const report = reportObjects(context, config.images);
rejectProblems([...problems, ...installations.problems, ...scheduleProblems, ...report.problems]);
remark(unclaimedDockerfiles(config, services));
remark(endedFreeze(config));
warn(report.warnings);

const images = serviceImages(services, config);

const ci = declareCi(config.app.name, ciArgs(config, schedules, services));

const cluster = new Cluster(config.app.name, clusterArgs(config, report.podSecurity, services));

const further = furtherClusters(
  config.app.name,
  furtherClusterSettings(config),
  clusterArgs(config, report.podSecurity, services),
);

const secrets = putServiceSecrets(context, cluster, config.secrets, further);

const deliver = { gitops: deliverByGit, direct: deliverDirectly }[config.delivery];

await deliver({ ...deliveryArgs(config), context, cluster, furtherClusters: further, images, secrets, installations });

/** The environment that this stack declares. */
export const environment = config.environment;
/** The CircleCI project, as `ci.projectSlug` of the other stacks has it; none where another engine runs the pipeline. */
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
