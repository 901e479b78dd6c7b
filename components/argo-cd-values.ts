/** How Argo CD is set up, as the stack file says. */
export interface ArgoCdSettings {
  namespace: string;
  /** The version of the official chart. */
  chartVersion: string;
  highAvailability: boolean;
  domain?: string | undefined;
  dex?: Readonly<Record<string, unknown>> | undefined;
  rbac: readonly string[];
  commitStatus?: { appId: string; installationId: string } | undefined;
}

/** The chart's values. Source: https://github.com/argoproj/argo-helm/blob/main/charts/argo-cd/values.yaml */
export function argoCdValues(settings: ArgoCdSettings): Record<string, unknown> {
  const { highAvailability, domain, dex, rbac, commitStatus } = settings;
  const replicas = highAvailability ? { replicas: 2 } : {};
  return {
    // Destroy must leave nothing: CRDs go with the chart, after the Applications, which depend on it.
    crds: { install: true, keep: false },
    // A Helm hook; the Secret that it would make is declared beside the chart.
    redisSecretInit: { enabled: false },
    "redis-ha": { enabled: highAvailability },
    controller: highAvailability ? { replicas: 2 } : {},
    server: replicas,
    repoServer: replicas,
    applicationSet: replicas,
    ...(domain === undefined ? {} : { global: { domain } }),
    dex: { enabled: dex !== undefined },
    configs: {
      cm: dex === undefined ? {} : { "dex.config": JSON.stringify(dex) },
      rbac: { "policy.csv": rbac.map((line) => `${line}\n`).join("") },
    },
    notifications: commitStatus === undefined ? { enabled: false } : commitStatusNotifications(commitStatus),
  };
}

/** Source: https://argo-cd.readthedocs.io/en/stable/operator-manual/notifications/services/github/ */
function commitStatusNotifications({
  appId,
  installationId,
}: {
  appId: string;
  installationId: string;
}): Record<string, unknown> {
  const status = (state: string): string =>
    JSON.stringify({
      message: `{{.app.metadata.name}}: ${state}`,
      github: { status: { state, label: "continuous-delivery/{{.app.metadata.name}}" } },
    });
  return {
    enabled: true,
    secret: { create: false },
    notifiers: {
      "service.github": JSON.stringify({
        appID: appId,
        installationID: installationId,
        privateKey: "$github-private-key",
      }),
    },
    templates: { "template.synced": status("success"), "template.failed": status("failure") },
    triggers: {
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
    },
    subscriptions: [{ recipients: ["github"], triggers: ["on-synced", "on-failed"] }],
  };
}
