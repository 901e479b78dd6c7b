import { existsSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { Problem } from "../../core/problem.ts";
import type { Candidate, CandidateArgs } from "./candidates.ts";
import { buildChoices, exposedPort, type Choices } from "../dockerfile/dockerfile.ts";
import { exposureProblems } from "./exposure.ts";
import { duplicatePorts, portSchema, portsOf, primaryPort, type Listening, type NamedPort } from "./ports.ts";
import { needsPort, probeProblems } from "./probes.ts";
import { runsToCompletion } from "./kind.ts";

/** What the Dockerfile of a service, and what its settings choose of that, say of it. */
interface ImageSource {
  /** Where it listens; without a port, nobody reaches it. */
  readonly listening: Listening & { readonly port: number | undefined };
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
  const { port, ports, target, buildArgs = {} } = candidate.settings;
  const listening = { port, ports };
  const wrong = missingPaths(candidate, args);
  if (wrong.length > 0) {
    problems.push(...wrong);
    return { listening, buildArgs };
  }
  const text = readFileSync(dockerfile, "utf8");
  const choices = buildChoices(text);
  const impossible = choices === undefined ? [] : impossibleChoices(candidate, choices);
  problems.push(...impossible);
  // Of a stage that is not there, nothing is known.
  if (impossible.length > 0) return { listening, buildArgs };
  const declared = Object.entries(buildArgs).filter(([name]) => isDeclared(name, choices));
  return {
    listening: readListening(candidate, exposedPort(text, { target, buildArgs }), problems),
    buildArgs: Object.fromEntries(declared),
  };
}

/** @param exposed what the Dockerfile says */
function readListening(
  candidate: Candidate,
  exposed: number | undefined,
  problems: Problem[],
): ImageSource["listening"] {
  const { settings, dockerfile, origin } = candidate;
  const { kind, expose, probes = {} } = settings;
  if (runsToCompletion(settings)) return { port: undefined };
  const listening = kind === "worker" ? {} : { port: settings.port ?? exposed, ports: settings.ports };
  const ports = portsOf(listening);
  if (ports.length > 0) {
    problems.push(...portProblems(candidate, ports));
    return { port: primaryPort(ports)?.port, ...(settings.ports === undefined ? {} : { ports: settings.ports }) };
  }
  const lacking = "has no EXPOSE with a number; add one, or set `port` in service.yaml";
  if (kind === "server") problems.push({ location: dockerfile, message: lacking });
  const asked = Object.entries(probes).filter(([, probe]) => probe !== undefined && needsPort(probe));
  // What needs a port has no effect without one; a default is for whichever services have one.
  const needs = [
    ...(settings.port === undefined ? [] : [["port"]]),
    ...(settings.ports === undefined ? [] : [["ports"]]),
    ...(expose === undefined || expose === false ? [] : [["expose"]]),
    ...asked.map(([probe]) => ["probes", probe]),
  ].map((path) => origin(...path));
  for (const location of needs.filter((found) => kind !== "server" && !isDefault(found)))
    problems.push({
      location,
      message:
        kind === "worker"
          ? "has no effect on a worker, which nobody reaches at a port; remove it, or set `kind` to server"
          : `needs a port, and ${dockerfile} ${lacking}`,
    });
  problems.push(...impossibleProbes(candidate, []));
  return { port: undefined };
}

function portProblems(candidate: Candidate, ports: readonly NamedPort[]): Problem[] {
  const { settings, dockerfile, origin } = candidate;
  const exposed =
    settings.ports !== undefined || portSchema.safeParse(ports[0]?.port).success
      ? []
      : [{ location: dockerfile, message: `EXPOSE ${ports[0]?.port}: a port is 1 to 65535` }];
  // Of two layers, the later one's counts.
  const both =
    settings.port === undefined || settings.ports === undefined
      ? []
      : [
          {
            location: origin("port"),
            message: `${settings.port}: has no effect beside ${origin("ports")}; it is short for a port \`http\` there: write it into that`,
          },
        ];
  const twins = duplicatePorts(ports).map(([name, other]) => ({
    location: origin("ports", name),
    message: `is the number of ${other}, too (${origin("ports", other)}); of one number there can be one over TCP and one over UDP`,
  }));
  const unreachable = exposureProblems(settings.expose, ports).flatMap(({ path, message }) => {
    const location = origin("expose", ...path);
    // A default is for the services that people can reach; a port that it names is missed by those that lack it.
    if (!isDefault(location)) return [{ location, message }];
    return path.length === 0 ? [] : [{ location, message: `${candidate.name}: ${message}` }];
  });
  return [...exposed, ...both, ...twins, ...unreachable, ...impossibleProbes(candidate, ports)];
}

/** A default may ask at a port that only some services have: it is said of each that has not. */
function impossibleProbes({ settings, name, origin }: Candidate, ports: readonly NamedPort[]): Problem[] {
  return probeProblems(settings.probes ?? {}, ports).flatMap(({ path, message }) => {
    const location = origin("probes", ...path);
    if (!isDefault(location)) return [{ location, message }];
    // A limit for the start is for the services that are asked for something.
    return path.includes("seconds") ? [] : [{ location, message: `${name}: ${message}` }];
  });
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
