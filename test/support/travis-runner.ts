import { spawn, execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { parse } from "yaml";
import { holds } from "./travis-conditions.ts";

/** The phases of a job in Travis' order. Source: https://docs.travis-ci.com/user/job-lifecycle/ */
export type Phase =
  | "before_install"
  | "install"
  | "before_script"
  | "script"
  | "after_success"
  | "after_failure"
  | "before_deploy"
  | "deploy"
  | "after_deploy"
  | "after_script";

/** A job of a `.travis.yml`, as far as it is run here. */
interface Job extends Partial<Record<Exclude<Phase, "deploy">, string | string[]>> {
  readonly stage?: string;
  readonly name?: string;
  readonly if?: string;
  readonly deploy?: { readonly provider: "script"; readonly script: string };
  readonly workspaces?: {
    readonly use?: string | string[];
    readonly create?: { readonly name: string; readonly paths: string[] };
  };
}

export interface Build {
  /** Of the event: `type`, `branch`, `repo`, `head_repo`; also what conditions see. */
  readonly event: Readonly<Record<string, string>>;
  readonly commit: string;
  /** The repository's settings: environment variables that every job of the build has. */
  readonly settings?: Readonly<Record<string, string>>;
  /** More of Travis' own variables, such as `TRAVIS_PULL_REQUEST`. */
  readonly variables?: Readonly<Record<string, string>>;
}

export type State = "passed" | "failed" | "errored" | "canceled";

export interface JobResult {
  readonly name: string;
  readonly state: State;
  readonly phases: readonly Phase[];
  readonly log: string;
}

/**
 * Runs a `.travis.yml` as Travis documents it: stages one after the other, the jobs of a stage side by side, each in a clone of its
 * own with the phases in their order, and workspaces handed from stage to stage. Its machine has no Docker: `docker run` runs the
 * command in place, with the variables that it was given and no others.
 */
export class TravisRunner implements Disposable {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), "travis-")));
  readonly #repository: string;
  readonly #image: Readonly<Record<string, string>>;

  /** @param image the variables that every image has */
  constructor(repository: string, image: Readonly<Record<string, string>> = {}) {
    this.#repository = repository;
    this.#image = image;
  }

  /** @returns what came of each job, in the order of the file; `undefined`: the event starts no build */
  async run(build: Build): Promise<readonly JobResult[] | undefined> {
    const show = execFileSync("git", ["-C", this.#repository, "show", `${build.commit}:.travis.yml`], {
      encoding: "utf8",
    });
    const config: { if?: string; stages?: string[]; jobs: { include: Job[] } } = parse(show);
    if (config.if !== undefined && !holds(config.if, build.event)) return undefined;
    const included = config.jobs.include.filter((job) => holds(job.if ?? "true", build.event));
    const named = included.map((job) => ({ ...job, stage: job.stage ?? "test" }));
    const stages = [...new Set([...(config.stages ?? []), ...named.map(({ stage }) => stage)])];
    const results = new Map<Job, JobResult>();
    const workspaces = mkdtempSync(join(this.directory, "workspaces-"));
    for (const stage of stages) {
      const broken = [...results.values()].some(({ state }) => state !== "passed");
      const jobs = named.filter((job) => job.stage === stage);
      const done = await Promise.all(
        jobs.map(async (job): Promise<JobResult> =>
          broken ? { name: job.name ?? "", state: "canceled", phases: [], log: "" } : this.#job(job, build, workspaces),
        ),
      );
      jobs.forEach((job, index) => {
        const result = done[index];
        if (result !== undefined) results.set(job, result);
      });
    }
    return [...results.values()];
  }

  async #job(job: Job, build: Build, workspaces: string): Promise<JobResult> {
    const machine = mkdtempSync(join(this.directory, "machine-"));
    const checkout = join(machine, "build", "acme", basename(this.#repository));
    execFileSync("git", ["clone", "--quiet", this.#repository, checkout]);
    execFileSync("git", ["-C", checkout, "checkout", "--quiet", build.commit]);
    for (const used of [job.workspaces?.use ?? []].flat()) {
      const from = join(workspaces, used);
      if (existsSync(from)) cpSync(from, checkout, { recursive: true });
    }
    const bin = join(machine, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "docker"), docker(this.#image, join(machine, "containers")), { mode: 0o755 });
    const { event, commit, settings = {}, variables = {} } = build;
    const environment = {
      PATH: `${bin}:${process.env["PATH"] ?? ""}`,
      HOME: machine,
      CI: "true",
      TRAVIS: "true",
      TRAVIS_BRANCH: event["branch"] ?? "",
      TRAVIS_BUILD_NUMBER: "7",
      TRAVIS_COMMIT: commit,
      TRAVIS_EVENT_TYPE: event["type"] ?? "",
      TRAVIS_PULL_REQUEST: "false",
      TRAVIS_REPO_SLUG: event["repo"] ?? "",
      ...settings,
      ...variables,
    };
    const phases: Phase[] = [];
    const logs: string[] = [];
    /** @returns whether all its commands have succeeded; of `script` all are run, of the others none after one that has failed */
    const phase = async (name: Phase): Promise<boolean> => {
      const commands = name === "deploy" ? [job.deploy?.script ?? []].flat() : [job[name] ?? []].flat();
      if (commands.length > 0 && commands[0] !== "skip") phases.push(name);
      let good = true;
      for (const command of commands) {
        if (command === "skip" || (!good && name !== "script")) continue;
        const child = spawn("bash", ["-c", command], {
          cwd: checkout,
          env: environment,
          stdio: ["ignore", "pipe", "pipe"],
        });
        const closed = new Promise<number | null>((done) => child.once("close", done));
        const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)]);
        logs.push(out, error);
        good = (await closed) === 0 && good;
      }
      return good;
    };
    const state = await this.#phases(phase, job.deploy !== undefined);
    const { create } = job.workspaces ?? {};
    if (create !== undefined && state === "passed")
      for (const path of create.paths)
        if (existsSync(join(checkout, path)))
          cpSync(join(checkout, path), join(workspaces, create.name, path), { recursive: true });
    return { name: job.name ?? "", state, phases, log: logs.join("") };
  }

  /** Before `script` a failure ends the job, which is errored; in `script` it is failed. What comes after changes no passed job. */
  async #phases(phase: (name: Phase) => Promise<boolean>, deploys: boolean): Promise<State> {
    for (const name of ["before_install", "install", "before_script"] as const)
      if (!(await phase(name))) return "errored";
    const passed = await phase("script");
    await phase(passed ? "after_success" : "after_failure");
    if (passed && deploys) {
      if (!(await phase("before_deploy"))) return "errored";
      const deployed = await phase("deploy");
      await phase("after_deploy");
      if (!deployed) return "failed";
    }
    await phase("after_script");
    return passed ? "passed" : "failed";
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Runs the command of `docker run` where it is told to; one that is detached is only noted, with its options. */
function docker(image: Readonly<Record<string, string>>, containers: string): string {
  const own = Object.entries(image).map(([name, value]) => `given+=(${name}='${value}')`);
  return `#!/usr/bin/env bash
set -e
[ "$1" = run ] || { echo "no docker $1 here" >&2; exit 1; }
shift
given=(PATH="$PATH")
${own.join("\n")}
workdir=/
while [ $# -gt 0 ]; do
  case "$1" in
  --detach) shift; printf '%s\\n' "$*" >>'${containers}'; exit 0 ;;
  --rm) shift ;;
  --env) case "$2" in *=*) given+=("$2") ;; *) [ -z "\${!2+set}" ] || given+=("$2=\${!2}") ;; esac; shift 2 ;;
  --workdir) workdir=$2; shift 2 ;;
  --network | --user | --volume | --group-add) shift 2 ;;
  -*) echo "no docker run $1 here" >&2; exit 1 ;;
  *) break ;;
  esac
done
shift
cd "$workdir"
exec env -i "\${given[@]}" "$@"
`;
}
