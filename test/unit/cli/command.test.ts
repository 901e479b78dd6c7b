import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { defineCommand, type Command, type CommandContext } from "../../../cli/command.ts";
import { parseOptions, UsageError, type Option } from "../../../cli/options.ts";

const names = readdirSync("cli/commands").map((file) => file.replace(/\.ts$/, ""));
const commands = await Promise.all(
  names.map(async (name) => {
    const { command }: { command: Command } = await import(`../../../cli/commands/${name}.ts`);
    return [name, command] as const;
  }),
);

describe.each(commands)("%s", (name, { help, options }) => {
  test("says how it is called", () => {
    expect(help).toMatch(new RegExp(`^Usage: npx delivery ${name} `, "m"));
  });

  test("fits a terminal", () => {
    expect(help.split("\n").filter((line) => line.length > 120)).toEqual([]);
  });

  test.each(Object.entries<Option>(options))("option %s is in the help and is parsed", (option, declared) => {
    const { value: given, positional } = declared;
    const label = given === undefined ? `--${option}` : positional === true ? given : `--${option} ${given}`;
    expect(help.split("\n").filter((line) => line.startsWith(`  ${label}  `))).toHaveLength(1);
    const needed = Object.entries<Option>(options).filter(([, other]) => other.required);
    const asked = [...new Map<string, Option>([...needed, [option, declared]])];
    const args = asked.flatMap(([other, { value, positional: bare }]) =>
      value === undefined ? [`--${other}`] : [...(bare === true ? [] : [`--${other}`]), example(other, value)],
    );
    expect(parseOptions(args, options)[option]).not.toBeOneOf([undefined, false]);
  });
});

/** A value that is possible. */
function example(option: string, value: string): string {
  const words: Readonly<Record<string, string>> = {
    builder: "buildx",
    look: "git",
    drift: "true",
    resume: "true",
    engine: "tekton",
  };
  const values: Readonly<Record<string, string>> = {
    ENVIRONMENT: "dev",
    DURATION: "5s",
    N: "7",
    NUMBER: "7",
    COMMIT: "0123abc",
    "HOST:PORT": "127.0.0.1:8080",
    "COMMIT|PR": "0123abc",
    "FROM..TO": "staging..prod",
    SHA: "0123abc",
    "NAME=TEXT": "pods=link-.*",
    TIME: "2026-01-31T12:00:00Z",
    "NAME=DIGEST": `link=sha256:${"0".repeat(64)}`,
  };
  return words[option] ?? values[value] ?? "example";
}

describe("a command", () => {
  const ran: unknown[] = [];
  const command = defineCommand({
    summary: "greet",
    description: ["Greets\n    somebody.", { loudly: "so that all hear it", softly: "else" }],
    usage: ["greet --name NAME", "greet --everybody"],
    options: { name: { value: "NAME", help: "whom", defaultText: "you" }, everybody: { help: "all of them" } },
    notes: ["Exit status: 0 heard; 1 not heard."],
    run: async (options) => void ran.push(options),
  });
  const context: CommandContext = {
    environment: {},
    print: () => {},
    note: () => {},
    input: async () => "",
    signal: new AbortController().signal,
  };

  test("has one help of its description, usage, options and notes", () => {
    expect(command.help).toBe(`Greets somebody.

  loudly  so that all hear it
  softly  else

Usage: npx delivery greet --name NAME
       npx delivery greet --everybody

  --name NAME  whom (default: you)
  --everybody  all of them

Exit status: 0 heard; 1 not heard.`);
  });

  test("runs with the values of its options, and not with a wrong command line", async () => {
    await command.run(["--name", "Ada"], context);
    await expect(command.run(["--nam", "Ada"], context)).rejects.toThrow(new UsageError("Unknown option '--nam'"));
    expect(ran).toEqual([{ name: "Ada", everybody: false }]);
  });
});
