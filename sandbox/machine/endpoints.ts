import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { z } from "zod";
import { Project } from "../../cli/project/stack-file.ts";
import { writeFileAtomically } from "../../core/atomic-file.ts";
import { withCiEngine } from "./ci-engine.ts";
import { withProof } from "./proof.ts";
import { readStackFile, stackFileName, stacksDirectory } from "../../stacks/stack-file.ts";

const endpointsSchema = z.strictObject({
  /** The registry as image names have it, e.g. `localhost:5001`. */
  registryHost: z.string(),
  /** The stand-in for CircleCI; none where Tekton runs the pipeline. */
  circleci: z.strictObject({ url: z.url(), organizationId: z.uuid() }).optional(),
  /** Where GitHub's events start runs of Tekton, on this machine's loopback; none where CircleCI runs the pipeline. */
  pipelinesAsCode: z.url().optional(),
  kubeconfigPath: z.string(),
  /** The deploy repository; none with delivery `direct`. */
  deployRepository: z.url().optional(),
  /** The source repository, which CI checks out, and the API of its host; none with delivery `direct`. */
  sourceRepository: z.url().optional(),
  githubApi: z.url().optional(),
  /** The repository of this program, where the source repository is that of another monorepo. */
  programRepository: z.url().optional(),
});

/** Where the parts of a running sandbox are that its stack points at. */
export type SandboxEndpoints = z.infer<typeof endpointsSchema>;

/** @throws Error where another engine runs the pipeline */
export function circleCiEndpoint({ circleci }: SandboxEndpoints): SandboxEndpoints["circleci"] & object {
  if (circleci === undefined) throw new Error("Tekton runs this sandbox's pipeline, and CircleCI is asked");
  return circleci;
}

const fileOf = (stateDir: string): string => join(stateDir, "endpoints.json");

/** The endpoints of a sandbox; `undefined` as long as it has never been up. */
export function loadEndpoints(stateDir: string): SandboxEndpoints | undefined {
  const file = fileOf(stateDir);
  return existsSync(file) ? endpointsSchema.parse(JSON.parse(readFileSync(file, "utf8"))) : undefined;
}

export function saveEndpoints(stateDir: string, endpoints: SandboxEndpoints): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  writeFileAtomically(fileOf(stateDir), JSON.stringify(endpoints, undefined, 2));
}

const stack = "sandbox";

/** The stack files that the sandbox works with: those of this checkout, or the one made for a monorepo of the user's. */
export function sandboxProject(stateDir: string): Project {
  return new Project(stacksOf(stateDir));
}

/** All settings of the sandbox's stack file, by key with the project's prefix. */
export function sandboxStackFile(stateDir: string): Record<string, unknown> {
  return withCiEngine(stateDir, withProof(stateDir, readStackFile(stack, stacksOf(stateDir))));
}

/** Where the stack file is that is made for a monorepo of the user's. */
export function ownStacksDirectory(stateDir: string): string {
  return join(stateDir, "monorepo", stacksDirectory);
}

/** Whether the sandbox runs a monorepo of the user's, and not the example. */
export function runsOwnMonorepo(stateDir: string): boolean {
  return existsSync(join(ownStacksDirectory(stateDir), stackFileName(stack)));
}

/** From the working directory, which is not the checkout's in the processes of the sandbox. */
function stacksOf(stateDir: string): string {
  const checkout = join(import.meta.dirname, "../..");
  const directory = runsOwnMonorepo(stateDir) ? ownStacksDirectory(stateDir) : join(checkout, stacksDirectory);
  return relative(process.cwd(), directory);
}

/** What the sandbox needs to know of its own stack file, read as the program reads it. */
export function sandboxSettings(project: Project = new Project()) {
  const file = project.stackFile(stack);
  const settings = file.find("app", "environment", "images", "ci", "delivery", "gitops", "github");
  if (settings === undefined) throw new Error(`${file.path} is missing: run this in the checkout's root`);
  const { gitops, github } = settings;
  if (gitops === undefined) throw new Error(`${file.path}: gitops: missing; set it to the sandbox's deploy repository`);
  if (github === undefined) throw new Error(`${file.path}: github: missing; set it to the sandbox's source repository`);
  const { host } = settings.ci;
  if (host === undefined) throw new Error(`${file.path}: ci.host: missing; set it to the stand-in's address`);
  const { username } = settings.images;
  if (username === undefined) throw new Error(`${file.path}: images.username: missing; the sandbox's registry has one`);
  return {
    ...settings,
    images: { ...settings.images, username },
    gitops,
    github,
    environment: settings.environment ?? stack,
    ci: { ...settings.ci, host },
  };
}
