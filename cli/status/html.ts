import { escapeMarkup } from "./escape.ts";
import { pageStyle } from "./html-style.ts";
import { worst, type DeliveryStatus, type ServiceStatus, type State } from "./model.ts";
import { pipelinePicture } from "./picture.ts";
import { cellsOf, columns, stageTitles, stateWords } from "./text.ts";

/** One page that needs nothing but itself: no script, no request, light or dark as the reader has it. */
export function statusPage(status: DeliveryStatus): string {
  const { app, environment, delivery, takenAt, stages, services, problems } = status;
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
<div class="card">${services.length === 0 ? '<p class="empty">No service is known: neither Git nor the cluster names one.</p>' : table(status)}</div>
</section>
${problems.length === 0 ? "" : problemList(status)}
</main>
</body>
</html>
`;
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

function table({ services, takenAt }: DeliveryStatus): string {
  return `<table>
<thead><tr>${columns.map((column) => `<th scope="col">${titles[column]}</th>`).join("")}</tr></thead>
<tbody>
${services.map((service) => row(service, takenAt)).join("\n")}
</tbody>
</table>`;
}

function row(service: ServiceStatus, takenAt: string): string {
  const { state, message } = service;
  const cells = cellsOf(service, takenAt);
  // The whole of what the cell shows the beginning of.
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

/** Words of Argo CD that say more than that all is as it should be. */
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
