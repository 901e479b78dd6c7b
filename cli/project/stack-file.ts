import { existsSync, readdirSync } from "node:fs";
import { z } from "zod";
import { problemLine, type Problem } from "../../core/problem.ts";
import { settingsProblems } from "../../core/schema-version.ts";
import { secretHint, securePaths, withValueProblems } from "../../core/setting-values.ts";
import { secretsSchema, stackSchema, type StackSettings } from "../../stacks/schema.ts";
import { programSettings, readStackFile, stacksDirectory, versionProblems } from "../../stacks/stack-file.ts";
import { CommandError } from "../command.ts";

/** The stack files of a directory, as one run of a command sees them: each is read once. */
export class Project {
  readonly #directory: string;
  readonly #stackFiles = new Map<string, StackFile>();
  #environments: readonly string[] | undefined;

  /** @param directory where the stack files are. @default `stacks` in the current directory, which is the program's */
  constructor(directory = stacksDirectory) {
    this.#directory = directory;
  }

  /** The names of the stacks that have a file, sorted. */
  get environments(): readonly string[] {
    this.#environments ??= filesIn(this.#directory)
      .flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? [])
      .toSorted();
    return this.#environments;
  }

  /** @param name the stack's, without the organization. It need not have a file. */
  stackFile(name: string): StackFile {
    const opened = this.#stackFiles.get(name) ?? new StackFile(name, this.#directory);
    this.#stackFiles.set(name, opened);
    return opened;
  }
}

/**
 * The stack file of an environment. Commands ask for the settings that they need, and only these must be valid: the rest of
 * the file is the program's. The version counts for all, since a key may mean something else in another one, and so do the names.
 */
export class StackFile {
  readonly name: string;
  /** Relative to the current directory, which is the program's. */
  readonly path: string;
  readonly #directory: string;
  #content: StackContent | undefined;
  readonly #parsed = new Map<SettingName, ParsedSetting>();

  constructor(name: string, directory: string) {
    this.name = name;
    this.#directory = directory;
    this.path = `${directory}/Pulumi.${name}.yaml`;
  }

  /**
   * @returns `undefined` where there is no such file
   * @throws CommandError with all that is wrong in these settings
   */
  find<Name extends SettingName>(...names: readonly Name[]): Pick<StackSettings, Name> | undefined {
    const content = this.#read();
    if (content === undefined) return undefined;
    rejectProblems(content.problems);
    const parsed = settingNames.flatMap((name) =>
      includes(names, name) ? [[name, this.#parse(name, content.settings[name])] as const] : [],
    );
    rejectProblems(parsed.flatMap(([, setting]) => setting.problems));
    // Each value comes from the schema of its name, which the type of StackSettings is inferred from.
    return Object.fromEntries(parsed.map(([name, { value }]) => [name, value])) as Pick<StackSettings, Name>;
  }

  /**
   * One setting, though others are wrong or are none, for whoever tells people so.
   * @returns `undefined` where it is wrong itself, or the file cannot be read
   */
  salvage<Name extends SettingName>(name: Name): StackSettings[Name] | undefined {
    try {
      const content = this.#read();
      if (content === undefined) return undefined;
      const { value, problems } = this.#parse(name, content.settings[name]);
      // As above: the value comes from the schema of its name.
      return problems.length === 0 ? (value as StackSettings[Name]) : undefined;
    } catch {
      // Whoever asks tells people just that.
      return undefined;
    }
  }

  /** @throws CommandError with all that is wrong in these settings, or where there is no such file */
  read<Name extends SettingName>(...names: readonly Name[]): Pick<StackSettings, Name> {
    const settings = this.find(...names);
    if (settings !== undefined) return settings;
    throw new CommandError(`there is no ${this.path} in ${process.cwd()}; run this where the stack files are`);
  }

  /** Whether a secret is set; its value is encrypted. @throws CommandError where there is no such file */
  hasSecret(name: keyof typeof secretsSchema.shape): boolean {
    this.read();
    return this.#content?.settings[name] !== undefined;
  }

  #read(): StackContent | undefined {
    if (this.#content === undefined && existsSync(this.path))
      this.#content = readSettings(this.name, this.#directory, this.path);
    return this.#content;
  }

  #parse(name: SettingName, value: unknown): ParsedSetting {
    const known = this.#parsed.get(name);
    if (known !== undefined) return known;
    const input = value === undefined ? {} : { [name]: value };
    const result = z.object({ [name]: stackSchema.shape[name] }).safeParse(input);
    const faults = result.success ? [] : settingsProblems("stack", this.path, result.error, input);
    const parsed = { value: result.data?.[name], problems: withValueProblems(this.path, input, faults) };
    this.#parsed.set(name, parsed);
    return parsed;
  }
}

export type SettingName = keyof StackSettings;

const settingNames = stackSchema.keyof().options;

interface StackContent {
  /** By name without the project's prefix. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What is wrong with the file as a whole. */
  readonly problems: readonly Problem[];
}

interface ParsedSetting {
  readonly value: unknown;
  readonly problems: readonly Problem[];
}

function includes(names: readonly string[], name: string): boolean {
  return names.includes(name);
}

/** @throws CommandError if it cannot be read */
function readSettings(name: string, directory: string, file: string): StackContent {
  const settings = programSettings(readStackFile(name, directory));
  // Whoever writes a secret where none belongs is told by whichever command comes first.
  const plain = Object.entries(settings).filter(([key]) => !(key in secretsSchema.shape));
  const secure = securePaths(Object.fromEntries(plain)).map((path) => ({
    location: `${file}: ${path.join(".")}`,
    message: secretHint(path),
  }));
  // What another version calls by another name is no unknown setting, and so on.
  const problems = [versionProblems(file, settings), unknownSettings(file, settings), secure];
  return { settings, problems: problems.find((list) => list.length > 0) ?? [] };
}

/** A misspelt setting would be none, e.g. no windows, as far as the commands are concerned. */
function unknownSettings(file: string, settings: Readonly<Record<string, unknown>>): Problem[] {
  const known = [...settingNames, ...Object.keys(secretsSchema.shape)];
  const unknown = Object.fromEntries(Object.entries(settings).filter(([key]) => !known.includes(key)));
  const { error } = z.strictObject({}).safeParse(unknown);
  return error === undefined ? [] : settingsProblems("stack", file, error, unknown);
}

/** @throws CommandError with all of them; nothing where there are none */
export function rejectProblems(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  throw new CommandError(problems.map(problemLine).join("\n       "));
}

/** @returns nothing where there is no such directory */
function filesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
