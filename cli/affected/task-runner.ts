/** What the settings of a runner of tasks say of packages, beyond what these say themselves. Directories are from the root of the monorepo. */
export interface TaskRunner {
  /** Tasks that a task waits for, in whatever package. */
  readonly before: (task: string) => Iterable<string>;
  /** The directories of those that a package is declared to need for tasks. */
  readonly dependencies: (directory: string, tasks: ReadonlySet<string>) => readonly string[];
  /** The paths and globs of what else it is declared to be made from. */
  readonly inputs: (directory: string, tasks: ReadonlySet<string>) => readonly string[];
  /** The directories of the projects that words of commands name. */
  readonly named: (words: Iterable<string>) => readonly string[];
  /** Its tasks that are no scripts of its package.json: name → command. */
  readonly scripts: (directory: string) => Readonly<Record<string, string>>;
}

/** Some tasks, and all that these wait for. */
export function tasksFrom({ before }: TaskRunner, names: Iterable<string>): ReadonlySet<string> {
  const tasks = new Set(names);
  // Iterating over a Set also visits what is added meanwhile.
  for (const task of tasks) for (const next of before(task)) tasks.add(next);
  return tasks;
}
