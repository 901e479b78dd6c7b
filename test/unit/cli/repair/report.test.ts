import { expect, test } from "vitest";
import { repairText, type RepairReport } from "../../../../cli/repair/report.ts";

const clean: RepairReport = {
  stack: "dev",
  account: "acme-bot",
  resources: 6,
  gone: [],
  removed: false,
  orphans: [],
  notAsked: [],
  interrupted: [],
};
const gone = [
  { urn: "urn:1", kind: "Context", name: "shop", protected: true },
  { urn: "urn:2", kind: "Trigger", name: "shop-opened", protected: false },
];
const orphan = { kind: "Context", name: "shop-dev", adopt: "c1", adopted: false };

test.each<[what: string, report: Partial<RepairReport>, said: string[]]>([
  ["nothing", {}, ["dev: of 6 resources of CircleCI in the state all are there, as acme-bot sees it"]],
  [
    "what is gone",
    { gone },
    [
      "dev: of 6 resources of CircleCI in the state 2 are gone, as acme-bot sees it:",
      "  Context shop (protected)",
      "  Trigger shop-opened",
      "Nothing is changed. With --yes they are taken out of the state, and nothing else is.",
    ],
  ],
  [
    "what is taken out",
    { gone: gone.slice(1), removed: true, resources: 1 },
    [
      "dev: of 1 resource of CircleCI in the state 1 is gone, as acme-bot sees it:",
      "  Trigger shop-opened",
      "They are out of the state: `pulumi up` makes them again, and `pulumi destroy` goes on without them.",
    ],
  ],
  [
    "what the state lacks",
    { orphans: [orphan] },
    [
      expect.any(String),
      "Context shop-dev is at CircleCI and not in the state, where `pulumi up` fails for it: take it in with --adopt c1 --yes, or delete it at CircleCI",
    ],
  ],
  [
    "what is taken in",
    { orphans: [{ ...orphan, adopted: true }] },
    [expect.any(String), "Context shop-dev is taken into the state: `pulumi up` goes on with it"],
  ],
  [
    "what nobody knows",
    { interrupted: ["Trigger shop"], notAsked: ["Webhook shop"] },
    [
      expect.any(String),
      "Trigger shop was being created when an update was killed: `pulumi refresh` asks about it",
      "not asked for: Webhook shop",
    ],
  ],
  [
    "what a change of the state forgets",
    { gone: gone.slice(1), interrupted: ["Trigger shop"] },
    [
      expect.any(String),
      "  Trigger shop-opened",
      expect.stringContaining("Nothing is changed."),
      "Trigger shop was being created when an update was killed: look whether it is there; with --yes the state does not mention it any more",
    ],
  ],
  [
    "what it has forgotten",
    { gone: gone.slice(1), removed: true, interrupted: ["Trigger shop"] },
    [
      expect.any(String),
      "  Trigger shop-opened",
      expect.stringContaining("They are out of the state"),
      "Trigger shop was being created when an update was killed: look whether it is there; the state does not mention it any more",
    ],
  ],
])("a repair tells people %s", (_what, report, said) => {
  expect(repairText({ ...clean, ...report }).split("\n")).toEqual(said);
});
