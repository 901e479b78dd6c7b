import { expect, test } from "vitest";
import { cronMatches, cronProblem } from "../../../../../sandbox/providers/circleci/cron.ts";
import type { Pipeline } from "../../../../../sandbox/stand-ins/circleci/runner/records.ts";
import { scheduledStarts } from "../../../../../sandbox/stand-ins/circleci/runner/triggers.ts";
import { initialState, type State } from "../../../../../sandbox/stand-ins/circleci/state.ts";

// A Wednesday.
const moment = new Date("2026-11-25T06:30:12Z");

test.each([
  ["30 6 * * *", true],
  ["31 6 * * *", false],
  ["*/10 * * * *", true],
  ["*/7 * * * *", false],
  ["10/20 6 * * *", true],
  ["0-30 5,6 * 11 1-5", true],
  ["30 6 * * 0", false],
  ["30 6 1 * 3", true],
  ["30 6 25 * 1", true],
  ["30 6 1 * 1", false],
])("%s means that minute: %s", (expression, means) => {
  expect(cronMatches(expression, moment)).toBe(means);
});

test.each([
  ["0 3 * * *", undefined],
  ["*/10 0-12/3 1,15 * 7", undefined],
  ["* * *", "must have five fields (minute, hour, day of month, month, day of week), has 3"],
  ["0 0 3 * * *", "must have five fields (minute, hour, day of month, month, day of week), has 6"],
  ["60 * * * *", 'has "60" as minute, which goes from 0 to 59'],
  ["*/90 * * * *", 'has "*/90" as minute, which goes from 0 to 59'],
  ["0 0 L * *", 'has "L" as day of month, which goes from 1 to 31'],
  ["0 0 ? * *", 'has "?" as day of month, which goes from 1 to 31'],
  ["0 0 * JAN *", 'has "JAN" as month, which goes from 1 to 12'],
  ["0 0 * * MON#2", 'has "MON#2" as day of week, which goes from 0 to 7'],
])("the problem of %s is %s", (expression, problem) => {
  expect(cronProblem(expression)).toBe(problem);
});

test("7 is Sunday, too", () => {
  expect(cronMatches("0 0 * * 7", new Date("2026-11-29T00:00:00Z"))).toBe(true);
});

test("a schedule starts its definition's pipeline on its branch, once the repository is known", () => {
  const repo = { provider: "github_app", repo: { external_id: "7" } };
  const account: State = {
    ...initialState(),
    pipelineDefinitions: [
      {
        id: "d1",
        projectId: "p1",
        createdAt: "",
        name: "push",
        description: "",
        configSource: { ...repo, file_path: ".circleci/config.yml" },
        checkoutSource: repo,
      },
    ],
    triggers: [
      {
        id: "t1",
        projectId: "p1",
        pipelineDefinitionId: "d1",
        createdAt: "",
        eventSource: { provider: "schedule", schedule: { cron_expression: "30 6 * * *", attribution_actor: "system" } },
        eventName: "drift",
        checkoutRef: "main",
        disabled: false,
        parameters: { drift: true },
      },
    ],
  };
  const source = { repositoryId: "7", fullName: "acme/shop", cloneUrl: "https://x/y.git", defaultBranch: "main" };
  const lines: string[] = [];
  expect(scheduledStarts(account, [], moment, (line) => lines.push(line))).toEqual([]);
  expect(lines).toEqual(["schedule drift: nothing was ever pushed to its repository"]);
  // Of the pipelines that are there, only where their commits come from is looked at.
  const pipelines = [{ source: { ...source, revision: "1" } }] as unknown as Pipeline[];
  expect(scheduledStarts(account, pipelines, moment, () => undefined)).toMatchObject([
    { projectId: "p1", source: { ...source, branch: "main", revision: "" }, parameters: { drift: true } },
  ]);
});
