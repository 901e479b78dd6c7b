import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DeliveryStatus, State } from "../../../../cli/status/model.ts";
import { statusPage } from "../../../../cli/status/output.ts";
import { recordedJudgment } from "../../../support/sample-judgment.ts";
import { sampleService, sampleStatus } from "../../../support/sample-status.ts";

let browser: Browser;
let pageFolder: string;

beforeAll(async () => {
  pageFolder = mkdtempSync(join(tmpdir(), "status-page-"));
  // The page is our own and loads nothing; the browser's sandbox does not start as root or in containers.
  browser = await chromium.launch({ executablePath: findChromium(), args: ["--no-sandbox"] });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  rmSync(pageFolder, { recursive: true, force: true });
});

const colours: Readonly<Record<"light" | "dark", Record<State, string>>> = {
  light: {
    ok: "rgb(26, 127, 55)",
    progress: "rgb(178, 106, 0)",
    failed: "rgb(207, 34, 46)",
    unknown: "rgb(116, 127, 141)",
  },
  dark: {
    ok: "rgb(63, 185, 80)",
    progress: "rgb(227, 163, 38)",
    failed: "rgb(248, 96, 90)",
    unknown: "rgb(135, 147, 163)",
  },
};

const views = [
  { width: 1280, colorScheme: "light" },
  { width: 1280, colorScheme: "dark" },
  { width: 400, colorScheme: "light" },
  { width: 400, colorScheme: "dark" },
] as const;

// What runs in the page is text: the types of a browser do not belong into this program.
const visibleStages = `[...document.querySelectorAll("svg .stage")].filter((stage) => stage.checkVisibility())`;
const markColours = `${visibleStages}.map((stage) => stage.dataset.stage + " " + getComputedStyle(stage.querySelector(".mark")).fill)`;
const dotColours = `[...document.querySelectorAll("tr[data-service]")].filter((row) => row.checkVisibility())
  .map((row) => row.dataset.service + " " + getComputedStyle(row.querySelector(".service"), "::before").backgroundColor)`;
const widestOverflow = `Math.max(...${visibleStages}.flatMap((stage) => {
  const { right } = stage.querySelector(".box").getBoundingClientRect();
  return [...stage.querySelectorAll("text")].map((text) => text.getBoundingClientRect().right - right);
}))`;

describe.each(views)("$width pixels wide and $colorScheme", ({ width, colorScheme }) => {
  test("every stage and every service is there, in the colour of its state", async () => {
    const status = sampleStatus();
    await using shown = await show(status, width, colorScheme);
    const picture = shown.page.locator(`svg.${width > 820 ? "row" : "column"}`);
    expect(await picture.isVisible()).toBe(true);
    expect(await shown.page.locator(`svg.${width > 820 ? "column" : "row"}`).isVisible()).toBe(false);
    const coloured = (name: string, state: State): string => `${name} ${colours[colorScheme][state]}`;
    expect(await shown.page.evaluate(markColours)).toEqual(
      status.stages.map(({ name, state }) => coloured(name, state)),
    );
    expect(await shown.page.evaluate(dotColours)).toEqual(
      status.services.map(({ service, state }) => coloured(service, state)),
    );
    const screenshot = await shown.page.screenshot({ fullPage: true });
    expect(screenshot.length).toBeGreaterThan(20_000);
  });

  test("nothing is wider than the window, and no text leaves its box, however long names are", async () => {
    const long = "x".repeat(63);
    const status = sampleStatus({
      app: "a".repeat(32),
      environment: "e".repeat(22),
      stages: sampleStatus().stages.map((stage) => ({ ...stage, summary: `${long} and ${long}` })),
      services: [sampleService({ service: long, state: "failed", message: `${long}${long}${long}` })],
      problems: [{ part: "git", reason: long.repeat(4) }],
    });
    await using shown = await show(status, width, colorScheme);
    expect(await shown.page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    expect(await shown.page.evaluate(widestOverflow)).toBeLessThanOrEqual(0);
  });
});

// The outer edges of what is drawn, in pixels of the page, of each bar with its score.
const drawnBars = `[...document.querySelectorAll("svg.judged .bar")].map((bar) => {
  const length = (part) => bar.querySelector(part)?.getBoundingClientRect().width ?? 0;
  return [Number(bar.dataset.score), Math.round(100 * length(".fill") / length(".track"))];
})`;
const judgedOverflow = `(() => {
  const { left, right, top, bottom } = document.querySelector("svg.judged").getBoundingClientRect();
  return Math.max(...[...document.querySelectorAll("svg.judged *")].flatMap((part) => {
    const box = part.getBoundingClientRect();
    return [left - box.left, box.right - right, top - box.top, box.bottom - bottom];
  }));
})()`;
const overlaps = `[...document.querySelectorAll("svg.judged g")].filter((row) => {
  const boxes = [...row.querySelectorAll("text")].map((text) => text.getBoundingClientRect());
  return boxes.some((box, index) => boxes.slice(index + 1).some((other) => box.right > other.left && other.right > box.left));
}).length`;

describe.each(views)("a judgment, $width pixels wide and $colorScheme", ({ width, colorScheme }) => {
  const judged = { ...recordedJudgment, digest: `sha256:${"5".repeat(64)}`, takenBack: true };

  test("every bar is as long as its score, in the colour of what it came to", async () => {
    await using shown = await show(
      sampleStatus({ services: [sampleService({ judgment: judged })] }),
      width,
      colorScheme,
    );
    expect(await shown.page.evaluate(drawnBars)).toEqual([
      [45, 45],
      [0, 0],
      [50, 50],
      [100, 100],
    ]);
    const fills = `[...document.querySelectorAll("svg.judged .fill")].map((fill) => getComputedStyle(fill).fill)`;
    const { failed, progress, ok } = colours[colorScheme];
    expect(await shown.page.evaluate(fills)).toEqual([failed, progress, ok]);
    expect(await shown.page.evaluate(judgedOverflow)).toBeLessThan(1);
    expect(await shown.page.evaluate(overlaps)).toBe(0);
    expect(shown.complaints).toEqual([]);
  });

  test("long names leave neither the picture nor their place", async () => {
    const long = "w".repeat(63);
    const judgment = {
      ...judged,
      groups: [{ group: long, score: 100 / 3, weight: 100 }],
      metrics: [{ metric: long, group: long, classification: "missing", critical: true } as const],
    };
    await using shown = await show(sampleStatus({ services: [sampleService({ judgment })] }), width, colorScheme);
    expect(await shown.page.evaluate(judgedOverflow)).toBeLessThan(1);
    expect(await shown.page.evaluate(overlaps)).toBe(0);
    expect(await shown.page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
  });
});

test("a hostile name runs nothing, and the page requests nothing", async () => {
  const hostile = `"><script>document.title="taken"</script><img src="http://127.0.0.1:9/x" onerror='document.title="taken"'>`;
  const status = sampleStatus({
    app: hostile,
    services: [sampleService({ service: hostile, message: hostile, state: "failed" })],
    problems: [{ part: "ci", reason: hostile }],
  });
  await using shown = await show(status, 1280, "light");
  expect(await shown.page.title()).toContain(hostile.replaceAll(/\s+/g, " "));
  expect(await shown.page.locator("script, img").count()).toBe(0);
  expect(await shown.page.locator(".service").textContent()).toBe(hostile);
  expect(shown.requests.filter((url) => !url.startsWith("file:") && !url.startsWith("data:"))).toEqual([]);
  expect(shown.complaints).toEqual([]);
});

interface Shown extends AsyncDisposable {
  page: Page;
  requests: string[];
  /** What the browser has written to its console. */
  complaints: string[];
}

async function show(status: DeliveryStatus, width: number, colorScheme: "light" | "dark"): Promise<Shown> {
  const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => complaints.push(message.text()));
  const file = join(pageFolder, "status.html");
  writeFileSync(file, statusPage(status));
  await page.goto(pathToFileURL(file).href);
  return { page, requests, complaints, [Symbol.asyncDispose]: () => page.close() };
}

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** @throws Error with the way out where there is no browser */
function findChromium(): string {
  const candidates = (process.env["PATH"] ?? "")
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)));
  const found = candidates.find(isExecutable);
  if (found === undefined)
    throw new Error(
      `the tests of the status page need a browser, and none of ${names.join(", ")} is on PATH: install one, e.g. with \`apt-get install chromium\``,
    );
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
