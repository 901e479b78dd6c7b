import { expect, test } from "vitest";
import { gateLines } from "../../../../cli/promotion/gate-outcome.ts";

const one = `sha256:${"1".repeat(64)}`;

test("gates are one line each, and one below for every service in the way", () => {
  const service = { digest: one, healthySince: null };
  const services = [
    { ...service, service: "link", passed: true, detail: "is fine" },
    { ...service, service: "user", passed: false, detail: "is Degraded" },
  ];
  expect(
    gateLines([
      { gate: "health", passed: false, detail: "1 of 2", services },
      { gate: "test", passed: false, detail: "failed:\n  boom" },
    ]),
  ).toEqual(["✗ health  1 of 2", "          user: is Degraded", "✗ test    failed:\n            boom"]);
});
