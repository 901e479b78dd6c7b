import type * as pulumi from "@pulumi/pulumi";
import type { Provider } from "@pulumi/kubernetes/provider.js";
import { applicationName, canaryServiceName, previewServiceName } from "../../core/names.ts";
import { declareInParts } from "../bulk-declaration.ts";
import { deployedDependencies } from "../manifests/dependency.ts";
import type { ManifestContext } from "../manifests/manifest-context.ts";
import { exposedPort } from "../service/exposure.ts";
import { runSeconds } from "../service/kind.ts";
import { startSeconds } from "../service/probes.ts";
import { isRouted } from "../service/rollout-settings.ts";
import type { Service } from "../service/service.ts";
import type { AppProject } from "./app-project.ts";
import { application, type ApplicationArgs } from "./application.ts";

export interface ServiceApplicationsArgs {
  readonly context: ManifestContext;
  readonly project: AppProject;
  /** What of Argo CD's names belongs to the environment, or to the cluster of it. */
  readonly environment: string;
  /** What the engine knows it by. @default the service's name */
  readonly logicalName?: (service: string) => string;
  readonly argoCdNamespace: string;
  readonly namespace: string;
  /** Where Argo CD reaches the cluster. @default its own */
  readonly server?: string;
  /** The directory in it has one of each service. */
  readonly source: { readonly repository: string; readonly branch: string; readonly directory: string };
  /** Whether Argo Rollouts is there. */
  readonly rollouts: boolean;
  readonly handOver: boolean;
  readonly provider: Provider;
  /** What must be there before, beside the project. @param service `undefined`: it is a dependency */
  readonly dependsOn: (name: string, service: Service | undefined) => readonly pulumi.Resource[];
}

/** An Application per service and deployed dependency of an environment on one cluster, by name. */
export async function serviceApplications(
  args: ServiceApplicationsArgs,
): Promise<ReadonlyMap<string, pulumi.Resource>> {
  const { context, project, environment, source, logicalName = (name) => name } = args;
  const { repository, branch, directory } = source;
  const services = new Map(context.services.map((service) => [service.name, service]));
  const applications = new Map<string, pulumi.Resource>();
  await declareInParts([...Object.keys(deployedDependencies(context.dependencies)), ...services.keys()], (name) => {
    const service = services.get(name);
    const declared = application(
      logicalName(name),
      {
        applicationName: applicationName(context.environment.app, environment, name),
        project: project.project,
        argoCdNamespace: args.argoCdNamespace,
        namespace: args.namespace,
        ...(args.server === undefined ? {} : { server: args.server }),
        source: { repository, branch, path: `${directory}/${name}` },
        autoscaled: service?.autoscaling !== undefined,
        rollouts: args.rollouts && service !== undefined,
        ...leftToRollouts(service),
        replacing: service?.kind === "job",
        extraSeconds: extraSeconds(service),
        handOver: args.handOver,
        provider: args.provider,
      },
      { parent: project, dependsOn: [...project.parts, ...args.dependsOn(name, service)] },
    );
    applications.set(name, declared);
    return declared;
  });
  return applications;
}

/** What Argo Rollouts writes of the objects of a service: to which pods its Services lead, and the weights of its route. */
function leftToRollouts(service: Service | undefined): Pick<ApplicationArgs, "switchedServices" | "weightedRoute"> {
  if (service?.rollout?.strategy === "blueGreen")
    return { switchedServices: [service.name, previewServiceName(service.name)] };
  if (service === undefined || !isRouted(service.rollout)) return {};
  const kind = exposedPort(service)?.protocol === "gRPC" ? "GRPCRoute" : "HTTPRoute";
  return {
    switchedServices: [service.name, canaryServiceName(service.name)],
    weightedRoute: { kind, name: service.name },
  };
}

/** How much longer than others a service may take until it is well: a job runs, and some start slowly. */
function extraSeconds(service: Service | undefined): number {
  if (service?.kind === "job") return runSeconds(service);
  return Math.max(0, startSeconds(service?.probes) - startSeconds());
}
