import { expect, test } from "vitest";
import { parseManifests } from "../../../kubernetes/manifests.ts";

const object = (name: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  ...more,
});
const yaml = (name: string, rest = ""): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${rest}`;

test.each<[what: string, text: string, objects: unknown[]]>([
  ["one document", yaml("a"), [object("a")]],
  ["several, in their order", `${yaml("b")}---\n${yaml("a")}`, [object("b"), object("a")]],
  ["empty ones and comments between them", `# made\n---\n---\n${yaml("a")}---\n# nothing\n---\n`, [object("a")]],
  ["Windows' ends of lines", yaml("a").replaceAll("\n", "\r\n"), [object("a")]],
  ["a byte order mark", `\ufeff${yaml("a")}`, [object("a")]],
  [
    "a separator inside of a text",
    yaml("a", "data:\n  x: |\n    one\n    ---\n    two\n"),
    [object("a", { data: { x: "one\n---\ntwo\n" } })],
  ],
  ["JSON", JSON.stringify(object("a")), [object("a")]],
  ["JSON after a byte order mark", `\ufeff${JSON.stringify(object("a"))}\n`, [object("a")]],
  [
    "several in braces",
    `${JSON.stringify(object("a"))}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n`,
    [object("a"), object("b")],
  ],
  [
    "a list",
    JSON.stringify({ apiVersion: "v1", kind: "List", items: [object("a"), object("b")] }),
    [object("a"), object("b")],
  ],
  [
    "a list of one kind",
    "apiVersion: v1\nkind: ConfigMapList\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n",
    [object("a")],
  ],
  [
    "a kind that only ends like a list",
    "apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: a}\nspec: {}\n",
    [{ apiVersion: "example.com/v1", kind: "AllowList", metadata: { name: "a" }, spec: {} }],
  ],
])("%s", (_what, text, objects) => {
  expect(parseManifests(text)).toEqual({ objects });
});

// As `kubectl apply` reads them, which follows YAML 1.1 as far as JSON goes.
test.each<[text: string, value: unknown]>([
  ["0644", 420],
  ["yes", true],
  ["off", false],
  ["1_000", 1000],
  ["2024-01-01", "2024-01-01"],
  ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"],
  ["12:30", "12:30"],
  ["12:30:45.5", "12:30:45.5"],
  ['"yes"', "yes"],
  ["1.5", 1.5],
  ["~", null],
])("%s is %j", (text, value) => {
  expect(parseManifests(yaml("a", `data: {x: ${text}}\n`))).toEqual({ objects: [object("a", { data: { x: value } })] });
});

test.each<[what: string, text: string, problem: RegExp]>([
  ["nothing", "", /^has no Kubernetes object in it$/],
  ["comments alone", "# later\n---\n", /^has no Kubernetes object in it$/],
  [
    "a proxy's page",
    "<!DOCTYPE html>\n<p>Sign in</p>\n",
    /^has something that is no Kubernetes object, as document 1: "<!DOCTYPE/,
  ],
  ["half of a file", `${yaml("a")}---\napiVersion: v1\nkind: "Conf`, /^is not YAML: Missing closing "quote/],
  ["half of JSON", '{"apiVersion": "v1", ', /^is not YAML: /],
  [
    "an object without a name",
    `${yaml("a")}---\napiVersion: v1\nkind: Secret\n`,
    /as document 2: \{"apiVersion":"v1","kind":"Secret"\}, which has no metadata\.name$/,
  ],
  [
    "a list with something else in it",
    JSON.stringify({ apiVersion: "v1", kind: "List", items: [object("a"), {}] }),
    /no Kubernetes object, as document 1/,
  ],
  [
    "aliases without end",
    `a: &a [x, x]\nb: &b [*a, *a]\n${Array.from(
      { length: 26 },
      (_, i) =>
        `${String.fromCharCode(99 + i)}: &${String.fromCharCode(99 + i)} [*${String.fromCharCode(98 + i)}, *${String.fromCharCode(98 + i)}]`,
    )
      .slice(0, 20)
      .join("\n")}\n`,
    /^is not YAML: Excessive alias count/,
  ],
])("%s is refused", (_what, text, problem) => {
  const parsed = parseManifests(text);
  expect("problem" in parsed ? parsed.problem : parsed.objects).toMatch(problem);
});
