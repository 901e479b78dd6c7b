import { declareCi } from "./components/ci.ts";
import { Cluster } from "./components/cluster/cluster.ts";
import { furtherClusters } from "./components/cluster/further-clusters.ts";
import { deliver, deliveredServices } from "./components/delivery.ts";
import { findServices, unclaimedDockerfiles } from "./components/service/find-services.ts";
import { readInstallations } from "./components/argo-cd/installations.ts";
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

const home = clusterArgs(config, report.podSecurity, services);
const cluster = new Cluster(config.app.name, home);
const further = furtherClusters(config.app.name, furtherClusterSettings(config), home);

const secrets = putServiceSecrets(context, cluster, config.secrets, further);

const delivered = { context, cluster, furtherClusters: further, images, secrets, installations };
await deliver(config.delivery, { ...deliveryArgs(config), ...delivered });

/** The environment that this stack declares. */
export const environment = config.environment;
/** The CircleCI project, as `ci.projectSlug` of the other stacks has it; null where another engine runs the pipeline. */
export const ciProject = ci.projectSlug ?? null;
/** Where CircleCI finds the environment's credentials, or null. */
export const ciContext = ci.contextName ?? null;
/** Per service: its image by digest (none as long as CI has released none) and its address. */
export const deployed = deliveredServices(context, images);
