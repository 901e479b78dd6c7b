/** Strings that one reader of YAML or another takes for something else when they stand there without quotes. */
export const nastyStrings: readonly string[] = [
  // Other types in YAML 1.1, in 1.2, or in one library.
  ..."2024-01-01 2024-01-01T10:00:00Z 1_000 0b11 0b1_1 0o17 017 0x1F 0xdead_beef -0x1 +0b1 1e3 1E3 1. .5 -.5 +1 -1 -0 00 08 09".split(
    " ",
  ),
  ..."12:30:45 1:30 190:20:30.15 .inf -.inf +.INF .NaN Infinity NaN 123456789012345678901234567890 0.1.2 1__0 _1".split(
    " ",
  ),
  ..."y Y n N yes Yes YES no NO on On ON off Off OFF true True TRUE false null Null NULL ~ << =".split(" "),
  // Syntax.
  ..."# : - ? , [ ] { } & * ! | > ' \" % @ ` \\ --- ... !!str &a *a {{.x}} ${X} $(X) %YAML \\n \\u0041 \\x".split(" "),
  "key: value",
  "a #comment",
  "- item",
  "? question",
  "a: ",
  ": a",
  "[1, 2",
  '{"a": 1}',
  "'single'",
  '"double"',
  "it's",
  "!!binary aGk=",
  // White space and lines.
  "",
  " ",
  " leading",
  "trailing ",
  "\ttab",
  "tab\t",
  "a\tb",
  "\n",
  "\n\n",
  "one\ntwo",
  "one\ntwo\n",
  "\none\n\n\ntwo\n\n",
  "  indented\n    more\n  less\n",
  "a \n b",
  "carriage\rreturn",
  "carriage\r\nreturn\r\n",
  "--- \ndocument",
  "a\n---\nb",
  "a\n...\nb",
  // Characters that YAML folds, forbids or escapes.
  "no\u00a0break",
  "\ufeffmark",
  "mark\ufeff",
  "zero\u200bwidth",
  "\u0001\u0007\u001b",
  "\ufffd",
  "Grüße, 世界 🌍",
  "\\u2028",
  "\\",
  "\\\\",
  // Long ones, which writers fold.
  "word ".repeat(400),
  "x".repeat(5000),
  `${"long line ".repeat(30)}\n${"and another ".repeat(30)}\n`,
  "é".repeat(3000),
];

/** Strings that YAML has escapes for, and that kustomize loses: settings refuse them. */
export const lostStrings: readonly string[] = [
  "next\u0085line",
  "line\u2028separator",
  "paragraph\u2029separator",
  "delete\u007f",
  "\u0080\u009f",
  "\ufffe\uffff",
  "\\\u2028",
];

/** Strings of such pieces, the same ones for the same seed. */
export function generatedStrings(seed: number, count: number): string[] {
  const pieces = Array.from("0123456789_.:+-eExXbo#?!&*|>%@`'\"\\/{}[],~=<$ \t\n\r yYnNtf\u00a0\ufeff\u0001é🌍");
  let state = seed;
  const random = (below: number): number => {
    // A linear congruential generator is random enough here, and needs no library.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + random(12) }, () => pieces[random(pieces.length)]).join(""),
  );
}
