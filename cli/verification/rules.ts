import { existsSync } from "node:fs";
import { verificationRules, type VerificationRules } from "../../components/service/verify-settings.ts";
import { mergeSettings, type Service, type SettingsLayer } from "../../components/service/service.ts";
import { readMonorepo } from "../project/monorepo.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import type { Project } from "../project/stack-file.ts";

/** What an image of one service has to prove. */
export interface ServiceRules extends VerificationRules {
  /** Its primary port. @default the first that its container has */
  readonly port: number | undefined;
  /** Whether Argo Rollouts makes its pods. @default not known: the service's own file is not there */
  readonly hasRollout?: boolean | undefined;
}

/**
 * What the images of an environment have to prove, as its stack file and the files of the services say. Without the monorepo,
 * the stack file alone says it. Services that are to have no pods have nothing to prove.
 * @returns for a service its rules; `undefined`: nothing
 * @throws CommandError, once it is asked, with what is wrong in the stack file and in the files of the services
 */
export function rulesOf(project: Project, environment: string): (service: string) => ServiceRules | undefined {
  const settings = project.stackFile(environment).find("app", "verify", "defaults", "services");
  if (settings?.verify === undefined) return () => undefined;
  const { app, verify } = settings;
  let services: ReadonlyMap<string, Service> | undefined;
  const hasMonorepo = existsSync(app.directory);
  return (name) => {
    if (hasMonorepo)
      services ??= new Map(readMonorepo(project, environment).services.map((service) => [service.name, service]));
    const service: Pick<SettingsLayer, "replicas" | "verify" | "port" | "rollout"> = hasMonorepo
      ? (services?.get(name) ?? {})
      : mergeSettings(settings.defaults, settings.services[name] ?? {});
    if (service.replicas === 0) return undefined;
    const rules = verificationRules(verify, service.verify);
    const hasRollout = service.rollout !== undefined || (hasMonorepo ? false : undefined);
    return rules && { ...rules, port: service.port, hasRollout };
  };
}

/** Which images have to prove themselves once they are released. */
export function verifiedServices(
  project: Project,
  { name }: Pick<DeliveryEnvironment, "name">,
): (service: string) => boolean {
  const rules = rulesOf(project, name);
  return (service) => rules(service) !== undefined;
}
