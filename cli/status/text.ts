import { shortCommit, shortDigest } from "../../git/records.ts";
import { untestedReason } from "../testing/untested.ts";
import type { ClusterStatus, DeliveryStatus, JudgedImage, ServiceStatus, StageName, State } from "./model.ts";

/** What people call the parts. */
export const stageTitles: Readonly<Record<StageName, string>> = {
  source: "Source",
  ci: "CI",
  registry: "Registry",
  git: "Git",
  argocd: "Argo CD",
  cluster: "Cluster",
};
export const stateWords: Readonly<Record<State, string>> = {
  ok: "ok",
  progress: "in progress",
  failed: "failed",
  unknown: "unknown",
};
const stateMarks: Readonly<Record<State, string>> = { ok: "✓", progress: "…", failed: "✗", unknown: "?" };

export const columns = ["service", "commit", "image", "release", "sync", "health", "age"] as const;

/** The cells of one service, shortened for people. */
export function cellsOf(service: ServiceStatus, takenAt: string): Record<(typeof columns)[number], string> {
  return {
    service: service.service,
    commit: service.commit === null ? "-" : shortCommit(service.commit),
    image: service.digest === null ? "-" : shortDigest(service.digest),
    release: service.releaseCommit === null ? "-" : shortCommit(service.releaseCommit),
    sync: service.sync ?? "-",
    health: service.health ?? "-",
    age: service.releasedAt === null ? "-" : ageBetween(service.releasedAt, takenAt),
  };
}

/** One line per service, and below what is wrong or could not be asked. */
export function statusText(status: DeliveryStatus): string {
  const rows = status.services.map((service) => ({ service, cells: cellsOf(service, status.takenAt) }));
  const widths = columns.map((column) =>
    Math.max(column.length, ...rows.map(({ cells }) => printable(cells[column]).length)),
  );
  const line = (mark: string, cells: readonly string[]): string =>
    `${mark} ${cells.map((cell, index) => printable(cell).padEnd(widths[index] ?? 0)).join("  ")}`.trimEnd();
  const table = rows.map(({ service, cells }) =>
    line(
      stateMarks[service.state],
      columns.map((column) => cells[column]),
    ),
  );
  const messages = status.services.flatMap(({ service, message, state, migration, judgment }) => [
    ...(message === null ? [] : [`${stateMarks[state]} ${service}: ${message}`]),
    ...(migration?.log ?? []).map((printed) => `    ${printed}`),
    ...(judgment === null ? [] : [`  ${service}: ${judgmentLine(judgment)}`]),
  ]);
  const stages = status.stages.map(
    ({ name, state, summary }) => `${stateMarks[state]} ${stageTitles[name].padEnd(8)}  ${summary}`,
  );
  const problems = status.problems.map(({ part, reason }) => `${stageTitles[part]}: ${reason}`);
  const blocks = [
    [`${status.app} · ${status.environment} · delivery ${status.delivery}`],
    stages,
    table.length > 0
      ? [
          line(
            " ",
            columns.map((column) => column.toUpperCase()),
          ),
          ...table,
        ]
      : ["No service is known: neither Git nor the cluster names one."],
    clusterLines(status),
    messages,
    status.untested.length === 0 ? [] : [untestedLine(status)],
    problems,
  ];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.map(printable).join("\n"))
    .join("\n\n");
}

/** What the metrics of an image came to. */
function judgmentLine({ digest, takenBack, score, groups }: JudgedImage): string {
  const scores = groups.map(({ group, score: of }) => `${group} ${of}`).join(", ");
  return `${shortDigest(digest)}${takenBack ? ", taken back," : ""} was judged ${score} of 100: ${scores}`;
}

/** What each of several clusters runs of each service, and below what is wrong on one of them. */
function clusterLines({ clusters = [] }: DeliveryStatus): string[] {
  const titles = clusters.map(clusterTitle);
  const rows = serviceNames(clusters).map((service) => [
    service,
    ...clusters.map((cluster) => {
      const found = cluster.services.find((one) => one.service === service);
      return found === undefined ? "-" : `${stateMarks[found.state]} ${clusterCell(found)}`;
    }),
  ]);
  const table = [["", ...titles], ...rows].map((cells) => cells.map(printable));
  const widths = table[0]?.map((_, column) => Math.max(...table.map((cells) => cells[column]?.length ?? 0))) ?? [];
  return [
    ...(clusters.length === 0
      ? []
      : table.map((cells) =>
          `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd(),
        )),
    ...clusterMessages(clusters).map(({ state, text }) => `${stateMarks[state]} ${text}`),
  ];
}

/** The services of all clusters. */
export function serviceNames(clusters: readonly ClusterStatus[]): readonly string[] {
  return [...new Set(clusters.flatMap(({ services }) => services.map(({ service }) => service)))].toSorted();
}

export function clusterTitle({ name, wave }: ClusterStatus): string {
  return `${name} (wave ${wave})`;
}

/** What a cluster runs of a service, and what it is to run in its place. */
export function clusterCell({ digest, releasedDigest }: ServiceStatus): string {
  if (digest === null) return releasedDigest === null ? "-" : `to be ${shortDigest(releasedDigest)}`;
  const isNext = releasedDigest !== null && releasedDigest !== digest;
  return isNext ? `${shortDigest(digest)} → ${shortDigest(releasedDigest)}` : shortDigest(digest);
}

/** The clusters that are away, and what is wrong on the others but the first, which the services themselves say. */
export function clusterMessages(
  clusters: readonly ClusterStatus[],
): readonly { readonly state: State; readonly text: string }[] {
  return clusters.flatMap((cluster, index) => [
    ...(cluster.away === null
      ? []
      : [{ state: "unknown" as const, text: `${clusterTitle(cluster)} is away: ${cluster.away}` }]),
    ...(index === 0 ? [] : cluster.services).flatMap(({ service, state, message }) =>
      message === null ? [] : [{ state, text: `${service} on ${cluster.name}: ${message}` }],
    ),
  ]);
}

/** Which services nothing tests. */
export function untestedLine({ untested }: Pick<DeliveryStatus, "untested">): string {
  return `${untested.join(", ")}: ${untestedReason}`;
}

/** A text without characters that steer a terminal or cannot be shown, since names come from elsewhere; they become `�`. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, "\uFFFD");
}

const units: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, "d"],
  [3600, "h"],
  [60, "m"],
];

/** The time between two moments in its largest unit, e.g. `3d`, `2h`, `5m`, `12s`. */
export function ageBetween(from: string, to: string): string {
  // The clock of the machine that made the commit may be ahead of this one's.
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
  const [size, unit] = units.find(([amount]) => seconds >= amount) ?? [1, "s"];
  return `${Math.floor(seconds / size)}${unit}`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A text as HTML and SVG take it, in content and in quoted attributes. */
export function escapeMarkup(text: string): string {
  return printable(text).replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
