import { existsSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { portSchema, type Problem } from "../core/problem.ts";
import type { Candidate, CandidateArgs } from "./candidates.ts";
import { buildChoices, exposedPort, type Choices } from "./dockerfile.ts";

/** What the Dockerfile of a service says of it. */
interface ImageSource {
  /** The port it listens on; `undefined`: it is a worker. */
  readonly port: number | undefined;
  /** Those that the Dockerfile declares. */
  readonly buildArgs: Readonly<Record<string, string>>;
}

interface SourceArgs {
  /** The monorepo, relative to the program. */
  readonly root: string;
  /** Whether Git ignores a path, which is relative to the monorepo. */
  readonly isIgnored: (path: string) => boolean;
  /** What is wrong is added. */
  readonly problems: Problem[];
}

/** Reads the Dockerfile of a service, and checks what its settings choose of it. */
export function readImageSource(candidate: Candidate, args: SourceArgs): ImageSource {
  const { problems } = args;
  const { dockerfile } = candidate;
  const { port, target, buildArgs = {} } = candidate.settings;
  const wrong = missingPaths(candidate, args);
  if (wrong.length > 0) {
    problems.push(...wrong);
    return { port, buildArgs };
  }
  const text = readFileSync(dockerfile, "utf8");
  const choices = buildChoices(text);
  const impossible = choices === undefined ? [] : impossibleChoices(candidate, choices);
  problems.push(...impossible);
  // Of a stage that is not there, nothing is known.
  if (impossible.length > 0) return { port, buildArgs };
  const declared = Object.entries(buildArgs).filter(([name]) => isDeclared(name, choices));
  return {
    port: readPort(candidate, exposedPort(text, { target, buildArgs }), problems),
    buildArgs: Object.fromEntries(declared),
  };
}

/** @param exposed what the Dockerfile says */
function readPort({ settings, dockerfile, origin }: Candidate, exposed: number | undefined, problems: Problem[]) {
  const { kind, expose, probes = {} } = settings;
  const port = kind === "worker" ? undefined : (settings.port ?? exposed);
  if (port !== undefined) {
    if (!portSchema.safeParse(port).success)
      problems.push({ location: dockerfile, message: `EXPOSE ${port}: a port is 1 to 65535` });
    return port;
  }
  const lacking = "has no EXPOSE with a number; add one, or set `port` in service.yaml";
  if (kind === "server") problems.push({ location: dockerfile, message: lacking });
  // What needs a port has no effect without one; a default is for whichever services have one.
  const needs = [
    ...(settings.port === undefined ? [] : [["port"]]),
    ...(expose === undefined || expose === false ? [] : [["expose"]]),
    ...Object.keys(probes).map((probe) => ["probes", probe]),
  ].map((path) => origin(...path));
  for (const location of needs.filter((found) => kind !== "server" && !isDefault(found)))
    problems.push({
      location,
      message:
        kind === "worker"
          ? "has no effect on a worker, which nobody reaches at a port; remove it, or set `kind` to server"
          : `needs a port, and ${dockerfile} ${lacking}`,
    });
  return undefined;
}

/** What is named in the settings must be there, in the commits that CI builds. */
function missingPaths(
  { settings, directory, dockerfile, context, origin }: Candidate,
  { root, isIgnored }: SourceArgs,
): Problem[] {
  const named = [
    { key: "dockerfile", value: settings.dockerfile, path: dockerfile, what: "file" },
    { key: "context", value: settings.context, path: context, what: "directory" },
  ];
  return named.flatMap(({ key, value, path, what }) => {
    if (value === undefined) return [];
    const location = origin(key);
    const shown = JSON.stringify(value);
    if (!existsSync(path) || statSync(path).isDirectory() !== (what === "directory")) {
      const beside = join(directory, value);
      const hint =
        existsSync(beside) && beside !== path
          ? `; it counts from there: write ${relative(root, beside)}`
          : "; correct the path, which counts from there";
      return [{ location, message: `${shown}: there is no such ${what} in the monorepo at ${root}${hint}` }];
    }
    return isIgnored(relative(root, path))
      ? [
          {
            location,
            message: `${shown}: Git ignores it, so that CI does not have it; take it out of .gitignore, or name another`,
          },
        ]
      : [];
  });
}

function impossibleChoices({ settings, name, dockerfile, origin }: Candidate, choices: Choices): Problem[] {
  const { target, buildArgs = {} } = settings;
  const isStage =
    target === undefined ||
    choices.stages.some((stage) => stage.toLowerCase() === target.toLowerCase()) ||
    (/^\d+$/.test(target) && Number(target) < choices.count);
  const stage = isStage
    ? []
    : [
        {
          location: origin("target"),
          message: `${JSON.stringify(target)}: ${dockerfile} has no such stage; ${choices.stages.length === 0 ? "it names none: add `AS` and a name to its FROM" : `it has ${choices.stages.join(", ")}`}`,
        },
      ];
  // A default is for whichever Dockerfiles declare it.
  const unused = Object.keys(buildArgs).filter(
    (arg) => !isDeclared(arg, choices) && !isDefault(origin("buildArgs", arg)),
  );
  return [
    ...stage,
    ...unused.map((arg) => ({
      location: origin("buildArgs", arg),
      message: `has no effect on ${name}: ${dockerfile} has no \`ARG ${arg}\`; add that, or remove it here`,
    })),
  ];
}

/** Build arguments of the defaults that no service takes. */
export function unusedArguments(found: readonly Candidate[], { defaults, file }: CandidateArgs): Problem[] {
  const choices = found.flatMap(({ dockerfile }) =>
    existsSync(dockerfile) && statSync(dockerfile).isFile() ? [buildChoices(readFileSync(dockerfile, "utf8"))] : [],
  );
  return Object.keys(defaults.buildArgs ?? {})
    .filter((arg) => !choices.some((choice) => isDeclared(arg, choice)))
    .map((arg) => ({
      location: `${file}: defaults.buildArgs.${arg}`,
      message: `has no effect: no service's Dockerfile has \`ARG ${arg}\`; add that, or remove it here`,
    }));
}

function isDefault(location: string): boolean {
  return location.includes(": defaults.");
}

/** Builders know these without an ARG. Source: https://docs.docker.com/reference/dockerfile/#predefined-args */
const predefined = /^((http|https|ftp|all|no)_proxy|BUILDKIT_\w+|SOURCE_DATE_EPOCH)$/i;

function isDeclared(name: string, choices: Choices | undefined): boolean {
  return choices === undefined || choices.args.has(name) || predefined.test(name);
}
