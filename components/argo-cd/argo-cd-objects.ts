import {
  kindOf,
  listAt,
  mapAt,
  nameOf,
  namespaceOf,
  stringAt,
  withValue,
  type KubernetesObject,
} from "../../kubernetes/object.ts";
import { isClusterScoped } from "../../kubernetes/scope.ts";
import { parametersConfigMap, restartedFor, sizeParameters } from "./argo-cd-size.ts";
import type { ReleaseSettings } from "./release.ts";

/** How Argo CD is set up, as the stack file says. */
export interface ArgoCdSettings extends ReleaseSettings {
  namespace: string;
  /** Whether the release is the one in several copies, with Redis as a cluster. */
  highAvailability: boolean;
  domain?: string | undefined;
  dex?: Readonly<Record<string, unknown>> | undefined;
  rbac: readonly string[];
  commitStatus?: { appId: string; installationId: string } | undefined;
  /** The keys of OpenPGP that it knows: id → armoured public key. @default none */
  gpgKeys?: Data | undefined;
  /** How many services the stack has: Argo CD is set up for so many. @default few */
  services?: number | undefined;
}

/** The data of a ConfigMap. */
type Data = Readonly<Record<string, string>>;

/**
 * The objects of a release of Argo CD, set up as the stack file says: in its namespace, without what is not used, and with
 * the settings in the configuration maps that Argo CD reads.
 */
export function argoCdObjects(release: readonly KubernetesObject[], settings: ArgoCdSettings): KubernetesObject[] {
  const added = configuration(settings);
  const configured = release
    .filter((object) => isUsed(nameOf(object), settings))
    .map((object) => {
      const data = kindOf(object).kind === "ConfigMap" ? added[nameOf(object)] : undefined;
      if (data !== undefined) return withValue(object, ["data"], { ...mapAt(object, "data"), ...data });
      return restartedFor(added[parametersConfigMap] ?? {}, object);
    });
  return inNamespace(configured, settings.namespace);
}

/** What a release must have so that it can be set up, e.g. `ConfigMap argocd-cm`. */
export function requiredObjects(settings: ArgoCdSettings): string[] {
  return [
    ...["applications", "applicationsets", "appprojects"].map((kind) => `CustomResourceDefinition ${kind}.argoproj.io`),
    "StatefulSet argocd-application-controller",
    ...(settings.highAvailability ? ["StatefulSet argocd-redis-ha-server"] : []),
    ...Object.keys(configuration(settings)).map((name) => `ConfigMap ${name}`),
  ];
}

/** What is not set up would only restart, or wait, for ever. */
function isUsed(name: string, { dex, commitStatus }: ArgoCdSettings): boolean {
  // The program declares this one itself, with the key.
  if (name === "argocd-notifications-secret") return false;
  if (/^argocd-dex-server(-|$)/.test(name)) return dex !== undefined;
  if (name.startsWith("argocd-notifications-")) return commitStatus !== undefined;
  return true;
}

/** By ConfigMap: what is added to the release's. Source: https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/ */
function configuration({
  domain,
  dex,
  rbac,
  commitStatus,
  gpgKeys,
  services = 0,
}: ArgoCdSettings): Readonly<Record<string, Data>> {
  const parameters = sizeParameters(services);
  return {
    "argocd-cm": {
      ...(domain === undefined ? {} : { url: `https://${domain}` }),
      ...(dex === undefined ? {} : { "dex.config": JSON.stringify(dex) }),
    },
    "argocd-rbac-cm": { "policy.csv": rbac.map((line) => `${line}\n`).join("") },
    ...(Object.keys(parameters).length === 0 ? {} : { [parametersConfigMap]: parameters }),
    ...(gpgKeys === undefined ? {} : { "argocd-gpg-keys-cm": gpgKeys }),
    ...(commitStatus === undefined ? {} : { "argocd-notifications-cm": commitStatusNotifications(commitStatus) }),
  };
}

/** Source: https://argo-cd.readthedocs.io/en/stable/operator-manual/notifications/services/github/ */
function commitStatusNotifications({ appId, installationId }: { appId: string; installationId: string }): Data {
  const status = (state: string): string =>
    JSON.stringify({
      message: `{{.app.metadata.name}}: ${state}`,
      github: { status: { state, label: "continuous-delivery/{{.app.metadata.name}}" } },
    });
  return {
    "service.github": JSON.stringify({
      appID: appId,
      installationID: installationId,
      privateKey: "$github-private-key",
    }),
    "template.synced": status("success"),
    "template.failed": status("failure"),
    "trigger.on-synced": JSON.stringify([
      {
        when: "app.status.operationState?.phase in ['Succeeded'] and app.status.health.status == 'Healthy'",
        oncePer: "app.status.operationState?.syncResult?.revision",
        send: ["synced"],
      },
    ]),
    "trigger.on-failed": JSON.stringify([
      {
        when: "app.status.operationState?.phase in ['Error', 'Failed'] or app.status.health.status == 'Degraded'",
        send: ["failed"],
      },
    ]),
    subscriptions: JSON.stringify([{ recipients: ["github"], triggers: ["on-synced", "on-failed"] }]),
  };
}

/**
 * The objects of a release in the given namespace, unless they name another. So are the accounts that its bindings name: the
 * release itself says `argocd` there.
 */
export function inNamespace(objects: readonly KubernetesObject[], namespace: string): KubernetesObject[] {
  const placed = objects.map((object) =>
    namespaceOf(object) !== "" || isClusterScoped(kindOf(object), objects)
      ? object
      : withValue(object, ["metadata", "namespace"], namespace),
  );
  const isAccount = (object: KubernetesObject): boolean => kindOf(object).kind === "ServiceAccount";
  const accounts = new Map(placed.filter(isAccount).map((object) => [nameOf(object), namespaceOf(object)]));
  return placed.map((object) => {
    if (!kindOf(object).kind.endsWith("RoleBinding")) return object;
    const subjects = listAt(object, "subjects").map((subject) => {
      const home = subject["kind"] === "ServiceAccount" ? accounts.get(stringAt(subject, "name") ?? "") : undefined;
      return home === undefined ? subject : { ...subject, namespace: home };
    });
    return { ...object, subjects };
  });
}
