import { describe, expect, expectTypeOf, test } from "vitest";
import {
  duration,
  environmentName,
  integer,
  oneOf,
  optionsHelp,
  parseOptions,
  required,
  UsageError,
  wrap,
  type OptionTable,
} from "../../../cli/options.ts";

const table = {
  env: { value: "ENVIRONMENT", parse: environmentName, required: true, help: "where, e.g. dev" },
  service: { value: "NAME", multiple: true, help: "only this service" },
  wait: { value: "DURATION", parse: duration, default: "1m", help: "how long", defaultText: "a minute" },
  concurrency: { value: "N", parse: integer(1, 99), help: "how many at once" },
  builder: { value: "NAME", parse: oneOf("buildctl", "buildx"), default: "buildx", help: "which one" },
  json: { help: "print JSON" },
} as const satisfies OptionTable;

describe("values", () => {
  test("are what the table says, in precise types", () => {
    const values = parseOptions(
      ["--env", "dev", "--service", "link", "--wait=5s", "--service=user", "--concurrency", "3", "--json"],
      table,
    );
    expect(values).toEqual({
      env: "dev",
      service: ["link", "user"],
      wait: 5000,
      concurrency: 3,
      builder: "buildx",
      json: true,
    });
    expectTypeOf(values).toEqualTypeOf<{
      readonly env: string;
      readonly service: readonly string[] | undefined;
      readonly wait: number;
      readonly concurrency: number | undefined;
      readonly builder: "buildctl" | "buildx";
      readonly json: boolean;
    }>();
  });

  test("have defaults, or are not there", () => {
    expect(parseOptions(["--env", "dev"], table)).toEqual({
      env: "dev",
      service: undefined,
      wait: 60_000,
      concurrency: undefined,
      builder: "buildx",
      json: false,
    });
  });

  test("of an option that is given twice are the last one", () => {
    expect(parseOptions(["--env", "dev", "--env", "prod"], table).env).toBe("prod");
  });
});

test.each<[fault: string, args: readonly string[], message: string]>([
  ["a missing option", [], "--env is missing"],
  ["an empty one", ["--env="], "--env is missing"],
  ["an unknown option", ["--env", "dev", "--digest", "x"], "Unknown option '--digest'"],
  ["a missing value", ["--env"], "Option '--env <value>' argument missing"],
  ["a value for a flag", ["--env", "dev", "--json=yes"], "Option '--json' does not take an argument"],
  ["a stray argument", ["--env", "dev", "link"], "Unexpected argument 'link'"],
  ["a path", ["--env", "../dev"], '--env "../dev" is not the name of an environment'],
  ["a wait", ["--env", "dev", "--wait", "soon"], '--wait "soon": must be a duration such as 5s, 10m or 1h'],
  ["too many", ["--env", "dev", "--concurrency", "100"], '--concurrency "100": must be a number from 1 to 99'],
  ["no number", ["--env", "dev", "--concurrency", "07"], '--concurrency "07": must be a number from 1 to 99'],
  ["a word", ["--env", "dev", "--builder", "kaniko"], '--builder "kaniko": must be buildctl or buildx'],
])("refuses %s", (_fault, args, message) => {
  expect(() => parseOptions(args, table)).toThrow(new UsageError(message));
});

test.each([
  ["90m", 5_400_000],
  ["30s", 30_000],
  ["1h", 3_600_000],
  ["250ms", 250],
  ["0m", 0],
])("%s is %d ms", (text, milliseconds) => expect(duration(text, "wait")).toBe(milliseconds));

test.each(["", "m", "-5s", "1d", "1.5h", "15"])("refuses the duration %j", (text) => {
  expect(() => duration(text, "wait")).toThrow(/^--wait ".*": must be a duration such as 5s, 10m or 1h$/);
});

test("an option can be needed only together with others", () => {
  expect(required("to", "HEAD")).toBe("HEAD");
  expect(() => required("to", "")).toThrow(new UsageError("--to is missing"));
  expect(() => required("to", undefined)).toThrow(new UsageError("--to is missing"));
});

describe("help", () => {
  test("has a line for each option, with its default", () => {
    expect(optionsHelp(table)).toBe(`  --env ENVIRONMENT  where, e.g. dev
  --service NAME     only this service
  --wait DURATION    how long (default: a minute)
  --concurrency N    how many at once
  --builder NAME     which one (default: buildx)
  --json             print JSON`);
  });

  test("wraps what is said below itself, whatever lines it was written in", () => {
    const help = `${"word ".repeat(12)}\n      ${"word ".repeat(12)}`;
    expect(optionsHelp({ to: { value: "COMMIT", help }, "a-very-long-name-of-it": { value: "VALUE", help: "short" } }))
      .toBe(`  --to COMMIT  ${"word ".repeat(21).trim()}
               word word word
  --a-very-long-name-of-it VALUE  short`);
  });

  test("breaks no word", () => {
    expect(wrap(`a ${"x".repeat(130)} b`)).toBe(`a\n${"x".repeat(130)}\nb`);
  });
});

describe("an option without its name", () => {
  const positional = {
    commit: { value: "COMMIT", positional: true, required: true, help: "which one" },
    json: { help: "print JSON" },
  } as const satisfies OptionTable;

  test("is the only argument beside the options, and in the help as what it stands for", () => {
    expect(parseOptions(["--json", "abc"], positional)).toEqual({ commit: "abc", json: true });
    expect(optionsHelp(positional)).toBe("  COMMIT  which one\n  --json  print JSON");
  });

  test.each([
    [[], "COMMIT is missing"],
    [[""], "COMMIT is missing"],
    [["a", "b"], '"b" is one argument too many'],
    [["--commit", "a"], "Unknown option '--commit'"],
  ])("%j is refused", (args, message) => {
    expect(() => parseOptions(args, positional)).toThrow(new UsageError(message));
  });
});
