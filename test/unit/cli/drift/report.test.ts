import { expect, test } from "vitest";
import { checkOf, driftText, overall, unknownCheck } from "../../../../cli/drift/report.ts";

const since = "2026-01-01T10:00:00Z";

test("what is found counts before what is unknown, and that before none", () => {
  const none = checkOf("git", []);
  const found = checkOf("cluster", [{ what: "Deployment link", change: "is gone" }]);
  expect(overall([none])).toBe("none");
  expect(overall([none, unknownCheck("ci", "no token")])).toBe("unknown");
  expect(overall([none, unknownCheck("ci", "no token"), found])).toBe("found");
});

test("a report is a line per look, and below it what differs", () => {
  const looks = [
    checkOf("stack", []),
    checkOf("git", [{ what: "dev/link/service.yaml", change: "was edited in 1a2b3c4 by \u001B[31mAda" }]),
    checkOf("cluster", [{ what: "Service link", change: "is extra" }], "some of it was not there"),
    unknownCheck("ci", "set CIRCLE_TOKEN"),
  ];
  expect(driftText({ app: "shop", environment: "dev", takenAt: since, drift: "found", looks })).toBe(
    `shop · dev · drift

✓ Stack     as declared
✗ Git       1 difference
✗ Cluster   1 difference; not all could be asked: some of it was not there
? CircleCI  unknown: set CIRCLE_TOKEN

Git
  dev/link/service.yaml  was edited in 1a2b3c4 by \uFFFD[31mAda

Cluster
  Service link  is extra`,
  );
});
