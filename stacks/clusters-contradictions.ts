import type { Problem } from "../core/problem.ts";
import type { StackSettings } from "./schema.ts";

/** What further clusters do not go together with. */
export function clusterContradictions(file: string, config: StackSettings): Problem[] {
  const { clusters } = config;
  if (clusters === undefined) return [];
  return [
    ...pairProblems(file, clusters, config.cluster),
    ...waveProblems(file, config, clusters),
    ...settingProblems(file, config),
  ];
}

type Clusters = NonNullable<StackSettings["clusters"]>;

/** Two entries that are one cluster. */
function pairProblems(file: string, clusters: Clusters, { context }: StackSettings["cluster"]): Problem[] {
  return clusters.flatMap((cluster, index) => {
    const before = clusters.slice(0, index);
    const at = (key: string, message: string): Problem => ({
      location: `${file}: clusters.${index}.${key}`,
      message: `${JSON.stringify(cluster[key as "name"])}: ${message}`,
    });
    const twice = (["name", "context", "server"] as const).flatMap((key) => {
      const other = before.findIndex((one) => one[key] === cluster[key]);
      return other < 0 ? [] : [at(key, `is that of clusters.${other}, too; each is a cluster of its own`)];
    });
    return [
      ...twice,
      ...(cluster.context === context
        ? [
            at(
              "context",
              "is the environment's own cluster (cluster.context), which is in the first wave anyway; remove this entry, or name another context",
            ),
          ]
        : []),
      ...(/^https:\/\/kubernetes\.default\.svc(:443)?$/.test(cluster.server)
        ? [
            at(
              "server",
              "is where Argo CD finds its own cluster, which is in the first wave anyway; remove this entry, or name another server",
            ),
          ]
        : []),
    ];
  });
}

function waveProblems(file: string, { verify }: StackSettings, clusters: Clusters): Problem[] {
  const waves = new Set([1, ...clusters.map(({ wave }) => wave)]);
  return clusters.flatMap(({ name, wave }, index) => {
    const location = `${file}: clusters.${index}.wave`;
    if (wave > 1 && !waves.has(wave - 1))
      return [
        {
          location,
          message: `${wave}: no cluster is in wave ${wave - 1}; number the waves without a gap, from the environment's own cluster, which is in wave 1`,
        },
      ];
    if (wave > 1 && verify === undefined)
      return [
        {
          location,
          message: `${wave}: ${name} gets what has proved itself in the wave before, and nothing has to prove itself here; set \`verify\`, such as verify: {minutes: 5}, or put it into wave 1`,
        },
      ];
    return [];
  });
}

/** What is of one cluster. */
function settingProblems(file: string, { delivery, gitops, images, cluster }: StackSettings): Problem[] {
  const refused = (key: string, message: string): Problem => ({ location: `${file}: ${key}`, message });
  return [
    ...(delivery === "direct"
      ? [
          refused(
            "clusters",
            "delivery direct applies the workloads to one cluster; remove it, or set delivery to gitops",
          ),
        ]
      : []),
    ...(gitops?.release === "registry-watch"
      ? [
          refused(
            "clusters",
            "Argo CD Image Updater, which moves the release records (gitops.release), knows no waves; set that to commit",
          ),
        ]
      : []),
    ...(images.source === "build"
      ? [
          refused(
            "images.source",
            "build: this program releases what it builds at once, and waits for no wave (clusters); set it to registry, and let CI build",
          ),
        ]
      : []),
    ...(cluster.admission === undefined
      ? []
      : [
          refused(
            "cluster.admission",
            "would hold on the environment's own cluster alone, and the others (clusters) would take all images; remove one of them",
          ),
        ]),
    ...(typeof gitops?.rollouts === "object"
      ? [
          refused(
            "gitops.rollouts",
            "this program installs Argo Rollouts on the environment's own cluster alone; install it on all (clusters), and set this to existing",
          ),
        ]
      : []),
  ];
}
