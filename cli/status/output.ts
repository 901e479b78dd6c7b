import { writeFileSync } from "node:fs";
import { errorMessage } from "../../core/error.ts";
import { CommandError } from "../command.ts";
import { worst, type ClusterStatus, type DeliveryStatus, type ServiceStatus, type State } from "./model.ts";
import { shortDigest } from "../../git/records.ts";
import { judgmentPicture } from "./judgment-picture.ts";
import { pipelinePicture } from "./picture.ts";
import {
  cellsOf,
  clusterCell,
  clusterMessages,
  clusterTitle,
  columns,
  escapeMarkup,
  serviceNames,
  stageTitles,
  stateWords,
  statusText,
  untestedLine,
} from "./text.ts";

export interface StatusOutput {
  /** The file for the page. @default none is written */
  readonly html?: string | undefined;
  /** JSON in place of the text for people. @default false */
  readonly json?: boolean | undefined;
}

/**
 * Writes the page if one is asked for.
 * @returns what to print
 * @throws CommandError if the file cannot be written
 */
export function renderStatus(status: DeliveryStatus, { html, json }: StatusOutput): string {
  if (html !== undefined) {
    try {
      writeFileSync(html, statusPage(status));
    } catch (error) {
      throw new CommandError(`--html ${html}: cannot be written (${errorMessage(error)})`, { cause: error });
    }
  }
  return json === true ? JSON.stringify(status, undefined, 2) : statusText(status);
}

/** One page that needs nothing but itself: no script, no request, light or dark as the reader has it. */
export function statusPage(status: DeliveryStatus): string {
  const { app, environment, delivery, takenAt, stages, problems, clusters = [] } = status;
  const services = everywhere(status);
  const overall = worst(services.map(({ state }) => state));
  const taken = `${takenAt.slice(0, 19).replace("T", " ")} UTC`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escapeMarkup(`${app} ${environment}: ${verdict(services)}`)}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<header>
<h1>${escapeMarkup(app)} <span>${escapeMarkup(environment)}</span></h1>
<p class="verdict ${overall}">${escapeMarkup(verdict(services))}</p>
<p>delivery ${delivery} · <time datetime="${escapeMarkup(takenAt)}">${escapeMarkup(taken)}</time></p>
</header>
<figure>
${pipelinePicture(stages, "row")}
${pipelinePicture(stages, "column")}
</figure>
<ul class="legend">${(["ok", "progress", "failed", "unknown"] as const).map((state) => `<li class="${state}">${stateWords[state]}</li>`).join("")}</ul>
<section>
<h2>Services</h2>
<div class="card">${status.services.length === 0 ? '<p class="empty">No service is known: neither Git nor the cluster names one.</p>' : serviceTable(status)}</div>
${status.untested.length === 0 ? "" : `<p class="untested">${escapeMarkup(untestedLine(status))}</p>`}
</section>
${clusters.length === 0 ? "" : clusterTable(clusters)}
${judgmentList(status)}${problems.length === 0 ? "" : problemList(status)}
</main>
</body>
</html>
`;
}

/** A service with the worst of its states on all clusters. */
function everywhere({ services, clusters = [] }: DeliveryStatus): readonly ServiceStatus[] {
  return services.map((service) => {
    const others = clusters.flatMap((cluster) => cluster.services.filter((one) => one.service === service.service));
    return { ...service, state: worst([service, ...others].map(({ state }) => state)) };
  });
}

/** For the head of the page: `5 services ok`, or what the worst of them are. */
export function verdict(services: readonly ServiceStatus[]): string {
  if (services.length === 0) return "no service is known";
  const state = worst(services.map((service) => service.state));
  const count = services.filter((service) => service.state === state).length;
  const noun = services.length === 1 ? "service" : "services";
  return count === services.length
    ? `${count} ${noun} ${stateWords[state]}`
    : `${count} of ${services.length} ${noun} ${stateWords[state]}`;
}

const titles: Readonly<Record<(typeof columns)[number], string>> = {
  service: "Service",
  commit: "Commit",
  image: "Image",
  release: "Release",
  sync: "Sync",
  health: "Health",
  age: "Age",
};

function serviceTable({ services, takenAt }: DeliveryStatus): string {
  return `<table>
<thead><tr>${columns.map((column) => `<th scope="col">${titles[column]}</th>`).join("")}</tr></thead>
<tbody>
${services.map((service) => serviceRow(service, takenAt)).join("\n")}
</tbody>
</table>`;
}

function serviceRow(service: ServiceStatus, takenAt: string): string {
  const { state, message } = service;
  const cells = cellsOf(service, takenAt);
  // The full texts of the cells that show only the beginning.
  const whole: Partial<Record<(typeof columns)[number], string | null>> = {
    commit: service.commit,
    image: service.digest,
    release: service.releaseCommit,
    age: service.releasedAt,
  };
  const rest = columns.slice(1).map((column) => {
    const title = whole[column];
    const content = cells[column] === "-" ? '<span class="none">-</span>' : styled(column, cells[column]);
    return `<td data-label="${titles[column]}"${title === null || title === undefined ? "" : ` title="${escapeMarkup(title)}"`}>${content}</td>`;
  });
  const name = `<span class="service">${escapeMarkup(service.service)}</span><span class="hidden">, ${stateWords[state]}</span>`;
  const why = message === null ? "" : `<span class="message">${escapeMarkup(message)}</span>`;
  return `<tr class="${state}" data-service="${escapeMarkup(service.service)}" data-state="${state}"><th scope="row">${name}${why}</th>${rest.join("")}</tr>`;
}

/** The colours of Argo CD's words; the others are plain. */
const wordStates: Readonly<Record<string, State>> = {
  Healthy: "ok",
  OutOfSync: "progress",
  Progressing: "progress",
  Degraded: "failed",
  Missing: "failed",
};

function styled(column: (typeof columns)[number], text: string): string {
  if (["commit", "image", "release"].includes(column)) return `<code>${escapeMarkup(text)}</code>`;
  const state = Object.hasOwn(wordStates, text) ? wordStates[text] : undefined;
  return `<span${state === undefined ? "" : ` class="word ${state}"`}>${escapeMarkup(text)}</span>`;
}

/** What the metrics of each service's newest judged image came to. */
function judgmentList({ services }: DeliveryStatus): string {
  const figures = services.flatMap(({ service, judgment }) => {
    if (judgment === null) return [];
    const became = judgment.takenBack ? "taken back" : "runs";
    return [
      `<figure class="card judgment" data-judged="${escapeMarkup(service)}"><figcaption><strong>${escapeMarkup(service)}</strong> <code>${escapeMarkup(shortDigest(judgment.digest))}</code>, ${became}</figcaption>
${judgmentPicture(judgment)}</figure>`,
    ];
  });
  if (figures.length === 0) return "";
  return `<section>
<h2>Judged by their metrics</h2>
<div class="judgments">
${figures.join("\n")}
</div>
</section>
`;
}

/** What each of several clusters runs of each service. */
function clusterTable(clusters: readonly ClusterStatus[]): string {
  const rows = serviceNames(clusters).map((service) => {
    const cells = clusters.map((cluster) => {
      const found = cluster.services.find((one) => one.service === service);
      const label = `data-label="${escapeMarkup(clusterTitle(cluster))}"`;
      if (found === undefined) return `<td ${label}><span class="none">-</span></td>`;
      const text = `<code>${escapeMarkup(clusterCell(found))}</code><span class="hidden">, ${stateWords[found.state]}</span>`;
      return `<td ${label} data-cluster="${escapeMarkup(cluster.name)}" data-state="${found.state}"><span class="word ${found.state}">${text}</span></td>`;
    });
    return `<tr><th scope="row">${escapeMarkup(service)}</th>${cells.join("")}</tr>`;
  });
  const heads = clusters.map((cluster) => `<th scope="col">${escapeMarkup(clusterTitle(cluster))}</th>`);
  const messages = clusterMessages(clusters).map(
    ({ state, text }) => `<li class="word ${state}">${escapeMarkup(text)}</li>`,
  );
  return `<section>
<h2>Clusters</h2>
<div class="card"><table>
<thead><tr><th scope="col">Service</th>${heads.join("")}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>${messages.length === 0 ? "" : `<ul class="problems">${messages.join("")}</ul>`}</div>
</section>`;
}

function problemList({ problems }: DeliveryStatus): string {
  const items = problems.map(
    ({ part, reason }) => `<li><strong>${stageTitles[part]}</strong>: ${escapeMarkup(reason)}</li>`,
  );
  return `<section>
<h2>Parts without an answer</h2>
<div class="card"><ul class="problems">
${items.join("\n")}
</ul></div>
</section>`;
}

/** The style sheet of the page; nothing is loaded from elsewhere. */
const pageStyle = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --line: #d9dee5; --text: #1b2330; --soft: #5b6675;
  --ok: #1a7f37; --progress: #b26a00; --failed: #cf222e; --unknown: #747f8d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e131a; --card: #171e28; --line: #2c3644; --text: #e8edf4; --soft: #9aa7b8;
    --ok: #3fb950; --progress: #e3a326; --failed: #f8605a; --unknown: #8793a3;
  }
}
.ok { --state: var(--ok); } .progress { --state: var(--progress); } .failed { --state: var(--failed); } .unknown { --state: var(--unknown); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1268px; margin: 0 auto; padding: 32px 24px 48px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; margin-bottom: 24px; }
h1 { font-size: 24px; line-height: 1.25; margin: 0; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h1 span { color: var(--soft); font-weight: 400; }
h2 { font-size: 16px; margin: 32px 0 12px; }
header p { margin: 0; color: var(--soft); }
.verdict { color: var(--state); font-weight: 600; }
.verdict::before { content: ""; display: inline-block; width: 9px; height: 9px; border-radius: 50%; background: var(--state); margin-right: 8px; }
figure { margin: 0; }
.picture { display: block; width: 100%; height: auto; }
.picture.column { display: none; max-width: 460px; margin: 0 auto; }
.box { fill: var(--card); stroke: var(--line); stroke-width: 1; }
.edge { fill: none; stroke: var(--state); stroke-width: 3; stroke-linecap: round; }
.mark { fill: var(--state); }
.glyph { fill: none; stroke: var(--card); stroke-width: 2.2; stroke-linecap: round; stroke-linejoin: round; }
.title { fill: var(--text); font-size: 16px; font-weight: 600; }
.summary { fill: var(--soft); font-size: 13px; }
.shaft { stroke: var(--state); stroke-width: 2; fill: none; }
.head { fill: var(--state); }
.arrow.progress .shaft { stroke-dasharray: 4 3; animation: flow 0.7s linear infinite; }
@keyframes flow { to { stroke-dashoffset: -7; } }
@media (prefers-reduced-motion: reduce) { .arrow.progress .shaft { animation: none; } }
.judgments { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 360px), 1fr)); gap: 16px; align-items: start; }
.judgment { padding: 14px 16px; }
.judgment figcaption { margin-bottom: 8px; overflow-wrap: anywhere; }
.judged { display: block; width: 100%; max-width: 520px; height: auto; }
.judged text { fill: var(--soft); font-size: 12px; }
.judged .label { fill: var(--text); font-size: 13px; }
.judged .strong { fill: var(--text); font-size: 14px; font-weight: 600; }
.judged .track { fill: var(--line); }
.judged .fill { fill: var(--state); }
.judged .limit path { stroke: var(--soft); stroke-width: 1.5; }
.judged .limit text { font-size: 10px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 14px 0 0; padding: 0; list-style: none; color: var(--soft); font-size: 13px; }
.legend li::before, .service::before { content: ""; display: inline-block; width: 9px; height: 9px; border-radius: 50%; background: var(--state); margin-right: 8px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; overflow: hidden; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; padding: 11px 16px; vertical-align: top; }
thead th { color: var(--soft); font-size: 13px; font-weight: 600; border-bottom: 1px solid var(--line); }
tbody tr + tr > * { border-top: 1px solid var(--line); }
tbody th { font-weight: 600; overflow-wrap: anywhere; }
td { font-variant-numeric: tabular-nums; }
code { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.none { color: var(--soft); }
.word { color: var(--state); }
.message { display: block; margin: 2px 0 0 17px; color: var(--soft); font-size: 13px; font-weight: 400; max-width: 46ch; overflow-wrap: anywhere; }
.problems { margin: 0; padding: 12px 16px 12px 34px; }
.problems li { overflow-wrap: anywhere; }
.empty { margin: 0; padding: 16px; color: var(--soft); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 820px) {
  main { padding: 24px 16px 40px; }
  .picture.row { display: none; }
  .picture.column { display: block; }
  .card:has(table) { background: none; border: 0; border-radius: 0; overflow: visible; }
  table, tbody, tr, tbody th, td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { display: grid; grid-template-columns: 1fr 1fr; column-gap: 16px; background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 10px 16px; }
  tbody tr + tr { margin-top: 12px; }
  tbody tr > *, tbody tr + tr > * { border: 0; padding: 3px 0; }
  tbody th { grid-column: 1 / -1; font-size: 16px; padding-bottom: 6px; }
  td::before { content: attr(data-label); display: block; color: var(--soft); font-size: 12px; line-height: 1.3; }
}
`;
