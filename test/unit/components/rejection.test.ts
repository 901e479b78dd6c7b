import * as pulumi from "@pulumi/pulumi";
import { expect, test, vi } from "vitest";
import { rejectProblems, remark, warn } from "../../../components/rejection.ts";

test("what may not be meant is said, and stops nothing", () => {
  const said = vi.spyOn(pulumi.log, "info").mockResolvedValue();
  remark(undefined);
  expect(said).not.toHaveBeenCalled();
  remark("no service has tools/Dockerfile");
  expect(said.mock.calls).toEqual([["no service has tools/Dockerfile"]]);
});

test("what everybody should see is a warning each", () => {
  const said = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
  warn([]);
  expect(said).not.toHaveBeenCalled();
  warn(["one", "two"]);
  expect(said.mock.calls).toEqual([["one"], ["two"]]);
});

test("all problems are one error, and none is none", () => {
  rejectProblems([]);
  const problem = { location: "stacks/Pulumi.dev.yaml: app", message: "missing" };
  expect(() => rejectProblems([problem, { ...problem, message: "wrong" }])).toThrow(
    "2 problems; nothing was changed\n  stacks/Pulumi.dev.yaml: app: missing\n  stacks/Pulumi.dev.yaml: app: wrong",
  );
});
