import { expect, test } from "vitest";
import { buildProblem } from "../../../../sandbox/monorepo/build-services.ts";
import { pullReason } from "../../../../sandbox/monorepo/pulled-images.ts";
import { isFine, summaryLines, unavailableLines, type ServiceOutcome } from "../../../../sandbox/monorepo/summary.ts";

test.each<[what: string, output: string, reason: string]>([
  [
    "no name server",
    'error: failed to solve: nginx:1: failed to resolve source metadata for docker.io/library/nginx:1: failed to do request: Head "https://registry-1.docker.io/v2/library/nginx/manifests/1": dial tcp: lookup registry-1.docker.io: no such host\n',
    "dial tcp: lookup registry-1.docker.io: no such host",
  ],
  [
    "no such image",
    "#1 x\nerror: failed to solve: a/b: failed to resolve source metadata for docker.io/a/b:latest: docker.io/a/b:latest: not found\n",
    "docker.io/a/b:latest: not found",
  ],
  ["anything else", "error: no daemon\n", "no daemon"],
  ["no error at all", "killed\n", "killed"],
])("BuildKit's message of %s", (_what, output, reason) => expect(pullReason(output)).toBe(reason));

test.each<[lines: string[], problem: string]>([
  [
    [
      "x",
      "error: localhost:5001/a/b is not built from ../source/Dockerfile: process x did not complete",
      "  9 | RUN x",
      "",
    ],
    "process x did not complete\n  9 | RUN x",
  ],
  [
    ["cart | mvn: not found", "error: cart: build.prepare failed: exit status 127"],
    "cart: build.prepare failed: exit status 127",
  ],
  [["killed"], "killed"],
  [[], "it has said nothing"],
])("what delivery build says at last", (lines, problem) => expect(buildProblem(lines)).toBe(problem));

test("images that cannot be pulled are named with who needs them and what to do", () => {
  const needed = new Map([
    ["nginx:1", { services: ["web"], dependencies: [] }],
    ["postgres:17", { services: ["tool"], dependencies: ["a-db", "b-db"] }],
  ]);
  expect(unavailableLines(new Map(), needed)).toEqual([]);
  const text = unavailableLines(
    new Map([
      ["nginx:1", "no such host"],
      ["postgres:17", "denied"],
    ]),
    needed,
  ).join("\n");
  expect(text).toContain("2 images cannot be pulled here:");
  expect(text).toContain("nginx:1      web is built of it\n               no such host");
  expect(text).toContain("postgres:17  tool is built of it; a-db, b-db run it");
  expect(text).toContain("docker save nginx:1 -o FILE.tar; then here: npm run up -- --image nginx:1=FILE.tar");
});

test("the summary has every service with its state and the reason", () => {
  const outcomes: ServiceOutcome[] = [
    { name: "cart", state: "runs", detail: "http://cart.shop-sandbox:8080" },
    { name: "mail", state: "not built", detail: "exit 7\nin full: x.log" },
  ];
  expect(summaryLines(outcomes).join("\n")).toBe(
    "\nServices and dependencies: 1 of 2 run\n  cart  runs       http://cart.shop-sandbox:8080\n  mail  not built  exit 7\n                   in full: x.log",
  );
  expect(outcomes.map(isFine)).toEqual([true, false]);
});
