import { absentDependencies } from "../../components/service/dependency-settings.ts";
import { findServices } from "../../components/service/find-services.ts";
import type { Service } from "../../components/service/service.ts";
import type { StackSettings } from "../../stacks/schema.ts";
import { openSourceRepository, type SourceRepository } from "../../git/source-repository.ts";
import { CommandError } from "../command.ts";
import { rejectProblems, type Project } from "./stack-file.ts";

/** The monorepo as an environment's stack file sees it. */
export interface Monorepo {
  readonly app: StackSettings["app"];
  /** Its root, relative to the program: `app.directory`. */
  readonly root: string;
  readonly images: StackSettings["images"];
  /** Sorted by name. */
  readonly services: readonly Service[];
  /** The stack file, for messages. */
  readonly file: string;
}

const monorepos = new WeakMap<Project, Map<string, Monorepo>>();

/**
 * Finds the services without the engine, which takes seconds to load; once for a project and an environment.
 * @throws CommandError with all that is wrong in the stack file and in the files of the services
 */
export function readMonorepo(project: Project, environment: string): Monorepo {
  const known = monorepos.get(project) ?? new Map<string, Monorepo>();
  const monorepo = known.get(environment) ?? discover(project, environment);
  monorepos.set(project, known.set(environment, monorepo));
  return monorepo;
}

function discover(project: Project, environment: string): Monorepo {
  const stackFile = project.stackFile(environment);
  const { path: file } = stackFile;
  const stack = stackFile.read("app", "images", "dependencies", "defaults", "services");
  const { services, problems } = findServices({
    ...stack,
    file,
    overrides: stack.services,
    dependencies: new Set(Object.keys(stack.dependencies)),
    absent: absentDependencies(stack.dependencies),
  });
  rejectProblems(problems);
  return { app: stack.app, root: stack.app.directory, images: stack.images, services, file };
}

const repositories = new WeakMap<Monorepo, Promise<SourceRepository>>();

/**
 * The checkout of a monorepo, opened once.
 * @throws SourceRepositoryError if it is in none of Git
 */
export function repositoryOf(monorepo: Monorepo): Promise<SourceRepository> {
  const repository = repositories.get(monorepo) ?? openSourceRepository(monorepo.root);
  repositories.set(monorepo, repository);
  return repository;
}

/**
 * The environments that count where none is named. Stack `sandbox` is that of `npm run up`, which comes with this program and runs the
 * example: beside stack files of another directory it does not count.
 */
export function commonEnvironments(project: Project): readonly string[] {
  const others = project.environments.filter((name) => name !== "sandbox");
  const directoryOf = (name: string): string => project.stackFile(name).read("app").app.directory;
  if (others.length === 0 || others.length === project.environments.length) return project.environments;
  const example = directoryOf("sandbox");
  return others.some((name) => directoryOf(name) === example) ? project.environments : others;
}

/**
 * The monorepo on which all stack files agree: where its services are, and what their images and tests are made of.
 * What else is said of a service is that of the first stack file.
 * @throws CommandError if they do not agree, or one is invalid
 */
export function readCommonMonorepo(project: Project): Monorepo {
  const [first, ...others] = commonEnvironments(project).map((environment) => readMonorepo(project, environment));
  if (first === undefined)
    throw new CommandError(
      `there are no stack files stacks/Pulumi.ENVIRONMENT.yaml in ${process.cwd()}; run this in the program's directory`,
    );
  const other = others.find((monorepo) => sourcesOf(monorepo) !== sourcesOf(first));
  if (other === undefined) return first;
  throw new CommandError(
    `${first.file} and ${other.file} do not agree on the services, what their images are built from, or their tests; say with --env which one counts`,
  );
}

function sourcesOf({ app, services }: Monorepo): string {
  const sources = services.map(({ name, directory, dockerfile, context, target, buildArgs, ...service }) => {
    const { paths, only, build, test } = service;
    return { name, directory, dockerfile, context, target, buildArgs, paths, only, build, test };
  });
  return JSON.stringify([app, sources]);
}
