import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import type { Command } from "../../../cli/command.ts";
import { judgmentSchema } from "../../../cli/judgment/settings.ts";
import { parseOptions } from "../../../cli/options.ts";
import { serviceSettingsSchema } from "../../../components/service/service.ts";
import { stackSchema } from "../../../stacks/schema.ts";

/** What a user reads first. Whatever they say can be done is held against the program. */
const pages = [
  "README.md",
  "docs/pipeline.md",
  "docs/pull-requests.md",
  "docs/judgment.md",
  "docs/architecture.md",
  "sandbox/README.md",
];
const root = join(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read("package.json")));

/** Matches of an expression on all pages, each with its page. */
const found = (expression: RegExp): [page: string, match: string][] =>
  pages.flatMap((page) =>
    [...new Set([...read(page).matchAll(expression)].map(([, match = ""]) => match))].map((match): [string, string] => [
      page,
      match,
    ]),
  );

/** A stack file's own commands are those of the user's repository: the key before them tells. */
test.each(found(/(?<!test: )npm run (?:-s )?([a-z][a-z:-]*)/g))("%s: `npm run %s` is a script", (_page, name) => {
  expect(Object.keys(scripts)).toContain(name);
});

test.each(found(/npm run bench -- ([a-z][a-z-]*)/g))("%s: there is a benchmark %s", (_page, name) => {
  expect(read("bench/benchmarks.ts")).toMatch(new RegExp(`^  ${name}: `, "m"));
});

test.each(found(/npm run (?:-s )?(?:up|demo|preview|status|down) -- --([a-z-]+)/g))(
  "%s: the sandbox knows --%s",
  (_page, flag) => expect(read("sandbox/main.ts")).toMatch(new RegExp(`^      ${flag}: \\{ type: `, "m")),
);

async function commandOf(name: string): Promise<Command> {
  const file = join(root, "cli/commands", `${name}.ts`);
  expect(existsSync(file), `delivery ${name}`).toBe(true);
  // Every file of that directory exports its command under this name, as cli/main.ts loads it.
  const { command } = (await import(file)) as { command: Command };
  return command;
}

test.each(found(/^npx delivery (.+?)(?:\s+#.*)?$/gm))("%s: `npx delivery %s` is understood", async (_page, line) => {
  const [name = "", ...args] = line.split(/\s+/);
  const { options } = await commandOf(name);
  expect(() => parseOptions(args, options)).not.toThrow();
});

test.each(found(/`(?:npx )?delivery ([a-z][^`]*)`/g))("%s: `delivery %s` has these options", async (_page, line) => {
  const [name = "", ...words] = line.split(/\s+/);
  const { options } = await commandOf(name);
  const flags = words.flatMap((word) => /^--([a-z-]+)/.exec(word)?.[1] ?? []);
  expect(Object.keys(options)).toEqual(expect.arrayContaining(flags));
});

test.each(found(/\]\(([^)\s]+)\)/g).filter(([, link]) => !/^[a-z]+:/.test(link)))(
  "%s: what it links is there: %s",
  (page, link) => {
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? page : join(dirname(page), path);
    expect(existsSync(join(root, target))).toBe(true);
    if (anchor !== undefined) expect(anchorsOf(read(target))).toContain(anchor);
  },
);

/** As GitHub makes them of headings. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-"),
  );
}

const settingsSchema = z.record(z.string(), z.unknown());

test.each(found(/^```yaml\n([\s\S]+?)^```$/gm))("%s: its YAML is what the program takes:\n%s", (_page, text) => {
  const content = settingsSchema.parse(parse(text, { strict: true }));
  if (Object.hasOwn(content, "config")) {
    const settings = Object.entries(settingsSchema.parse(content["config"]));
    expect(problemsOf(stackSchema, withoutPrefix(settings))).toEqual([]);
  } else if (Object.keys(content).some((key) => key.startsWith("delivery:"))) {
    const settings = withoutPrefix(Object.entries(content));
    expect(problemsOf(stackSchema.partial(), settings)).toEqual([]);
  } else if (Object.hasOwn(content, "metrics")) {
    expect(problemsOf(judgmentSchema, content)).toEqual([]);
  } else {
    expect(problemsOf(serviceSettingsSchema, content)).toEqual([]);
  }
});

function withoutPrefix(settings: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(settings.map(([key, value]) => [key.replace(/^delivery:/, ""), value]));
}

function problemsOf(schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}
