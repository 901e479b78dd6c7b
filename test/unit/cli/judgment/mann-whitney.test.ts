import { expect, test } from "vitest";
import { mannWhitney } from "../../../../cli/judgment/mann-whitney.ts";
import kayenta from "../../../support/kayenta-cases.json" with { type: "json" };
import { around } from "../../../support/sample-judgment.ts";

const quantiles: Readonly<Record<number, number>> = { 0.95: 1.959963984540054, 0.98: 2.326347874040841 };

test.each(kayenta.shifts)("as R and Kayenta: $name", ({ canary, baseline, confidence, lower, upper, estimate }) => {
  const shift = mannWhitney(canary, baseline, quantiles[confidence]);
  // Their solver stops within 0.0001.
  expect(shift?.lower).toBeCloseTo(lower, 3);
  expect(shift?.upper).toBeCloseTo(upper, 3);
  expect(shift?.estimate).toBeCloseTo(estimate, 3);
});

test("as R without ties: wilcox.test(c(10,20,30,40), c(1,2,3,4), conf.int = TRUE, exact = FALSE)", () =>
  expect(mannWhitney([10, 20, 30, 40], [1, 2, 3, 4], quantiles[0.95])).toMatchObject({
    lower: 6,
    upper: 39,
    estimate: 22.5,
  }));

test.each([1e-9, 1e-4, 1, 1e6])("the unit is of no account: × %d", (unit) => {
  const [canary, baseline] = [around(12), around(10)];
  const plain = mannWhitney(canary, baseline);
  const scaled = mannWhitney(
    canary.map((value) => value * unit),
    baseline.map((value) => value * unit),
  );
  expect((scaled?.lower ?? 0) / unit).toBeCloseTo(plain?.lower ?? NaN, 9);
  expect(scaled?.z).toBeCloseTo(plain?.z ?? NaN, 9);
  expect(plain?.lower).toBeGreaterThan(0);
});

test("swapping the samples turns everything round", () => {
  const [one, other] = [mannWhitney(around(12), around(10)), mannWhitney(around(10), around(12))];
  expect(other?.upper).toBeCloseTo(-(one?.lower ?? NaN), 12);
  expect(other?.z).toBeCloseTo(-(one?.z ?? NaN), 12);
});

test("values that are all equal differ by exactly that, and not at all", () => {
  const same = (value: number): number[] => Array.from({ length: 8 }, () => value);
  expect(mannWhitney(same(10), same(1))).toMatchObject({ lower: 9, upper: 9, estimate: 9 });
  expect(mannWhitney(same(3), same(3))).toMatchObject({ lower: 0, upper: 0, estimate: 0, z: 0 });
});

test.each([0, 1, 2, 3, 4])("%d values each never tell, however far apart", (count) =>
  expect(mannWhitney(around(1000, 1, count), around(1, 0.1, count))).toBeUndefined(),
);

test("5 values each tell", () =>
  expect(mannWhitney(around(1000, 1, 5), around(1, 0.1, 5))?.lower).toBeGreaterThan(900));
