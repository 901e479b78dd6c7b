import { expect, test } from "vitest";
import { secretMounts } from "../../../../components/dockerfile/dockerfile-secrets.ts";

const mount = "RUN --mount=type=secret,";
const ids = (dockerfile: string, target?: string): unknown =>
  secretMounts(dockerfile, { target })?.map(
    ({ id, required, runs }) => `${id}${required ? "!" : ""}${runs ? "" : " unused"}`,
  );

test.each<[what: string, dockerfile: string, found: unknown]>([
  ["nothing", "FROM x\nRUN npm ci\n", []],
  ["an id", `FROM x\n${mount}id=npm_token npm ci\n`, ["npm_token"]],
  ["one that is required", `FROM x\n${mount}id=a,required npm ci\n`, ["a!"]],
  ["one that is said to be required", `FROM x\n${mount}required=true,id=a npm ci\n`, ["a!"]],
  ["one that is said not to be", `FROM x\n${mount}id=a,required=false npm ci\n`, ["a"]],
  ["a variable of the step", `FROM x\n${mount}id=a,env=NPM_TOKEN npm ci\n`, ["a"]],
  ["the file's name for an id", `FROM x\n${mount}target=/root/.npmrc npm ci\n`, [".npmrc"]],
  ["the source before the id", `FROM x\n${mount}id=a,source=b npm ci\n`, ["b"]],
  ["fields in quotes", `FROM x\nRUN --mount=type=secret,"id=a" npm ci\n`, ["a"]],
  [
    "several mounts of a step",
    `FROM x\n${mount}id=a --mount=type=cache,target=/c --mount=type=secret,id=b npm ci\n`,
    ["a", "b"],
  ],
  [
    "lines that are continued",
    `FROM x\n${mount}id=a \\\n  --mount=type=secret,id=b,required \\\n  npm ci\n`,
    ["a", "b!"],
  ],
  ["another mount", "FROM x\nRUN --mount=type=ssh git clone x\n", []],
  ["an id that is computed", `FROM x\nARG I\n${mount}id=$I npm ci\n`, undefined],
  ["another frontend", `# syntax=acme/own\nFROM x\n${mount}id=a npm ci\n`, undefined],
  ["a step of those that build on it", `FROM x\nONBUILD ${mount}id=a,required npm ci\n`, ["a! unused"]],
])("%s", (_what, dockerfile, found) => expect(ids(dockerfile)).toEqual(found));

const stages = `ARG V=1
FROM node:$V AS base
${mount}id=a,required true
FROM base AS test
${mount}id=b,required true
FROM scratch AS tools
${mount}id=c,required true
FROM base AS web
COPY --from=tools /x /x
FROM scratch
COPY --from=WEB /x /x
`;

test.each<[target: string | undefined, found: readonly string[]]>([
  [undefined, ["a!", "b! unused", "c!"]],
  ["test", ["a!", "b!", "c! unused"]],
  ["Web", ["a!", "b! unused", "c!"]],
  ["2", ["a! unused", "b! unused", "c!"]],
  ["none", ["a! unused", "b! unused", "c! unused"]],
])("of target %s, those are run that its stages need", (target, found) => expect(ids(stages, target)).toEqual(found));
