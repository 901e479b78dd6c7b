import { expect, test } from "vitest";
import { describeScenario, phases, scenarioOf, victims } from "../../../../bench/settle/scenario.ts";

const seeds = Array.from({ length: 2_000 }, (_, index) => index + 1);
const scenarios = seeds.map(scenarioOf);
const faults = scenarios.flatMap((scenario) => scenario.faults);

test("the same seed gives the same run, and others give others", () => {
  expect(seeds.slice(0, 50).map(scenarioOf)).toEqual(scenarios.slice(0, 50));
  expect(new Set(scenarios.map((scenario) => JSON.stringify({ ...scenario, seed: 0 }))).size).toBeGreaterThan(1_000);
});

test("all victims are killed at all phases, and all kinds of images released, with both workloads and waiters", () => {
  const kills = faults.flatMap((fault) => (fault.event === "kill" ? [`${fault.victim} ${fault.phase}`] : []));
  expect([...new Set(kills)].toSorted()).toEqual(
    victims.flatMap((victim) => phases.map((phase) => `${victim} ${phase}`)).toSorted(),
  );
  const combinations = scenarios.map(({ workload, image, waiter }) => `${workload} ${image} ${waiter}`);
  expect(new Set(combinations).size).toBe(2 * 4 * 2);
  const newer = faults.flatMap((fault) => (fault.event === "newer commit" ? [fault.image] : []));
  expect(new Set(newer)).toEqual(new Set(["good", "never", "late", "slow"]));
  expect(faults.some(({ event }) => event === "second waiter")).toBe(true);
});

test("the controller of Argo Rollouts is killed only where it has work, and no phase is waited for that never comes", () => {
  const idle = scenarios.filter(
    ({ workload, faults: all }) =>
      workload === "Deployment" &&
      all.some((fault) => fault.event === "kill" && fault.victim === "rollouts-controller"),
  );
  expect(idle).toEqual([]);
  const never = scenarios.filter(({ image }) => image === "never").flatMap((scenario) => scenario.faults);
  expect(never.filter(({ phase }) => phase === "running")).toEqual([]);
});

test("a run is described in one line", () => {
  expect(
    describeScenario({
      seed: 1,
      workload: "Deployment",
      image: "late",
      waiter: "waits",
      faults: [
        { event: "kill", victim: "git-server", phase: "judged", delay: 0, down: 1_200 },
        { event: "newer commit", image: "good", phase: "running", delay: 300 },
      ],
    }),
  ).toBe(
    "Deployment, late, a job that waits; git-server killed for 1.2 s, once judged; a newer commit, good, 0.3 s after it is running",
  );
});
