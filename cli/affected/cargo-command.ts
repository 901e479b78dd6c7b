/** The packages of a Cargo workspace that a command builds. */
export interface CargoTargets {
  /** Where it works, relative to where it is called. */
  readonly at: string;
  /** By `-p`. */
  readonly packages: readonly string[];
  /** By `--bin`. */
  readonly binaries: readonly string[];
  /** All of the workspace. */
  readonly workspace: boolean;
}

interface CargoReading {
  readonly tools: readonly ("cargo" | "unknown")[];
  readonly cargo?: CargoTargets;
}

const nothing: CargoReading = { tools: [] };
const unclear: CargoReading = { tools: ["unknown"] };

/** Source: https://doc.rust-lang.org/cargo/commands/cargo-build.html and cargo-install.html */
const valued = new Set(
  (
    "--example --test --bench --features -F --target --target-dir --profile --jobs -j --message-format --color -Z --root " +
    "--lockfile-path --artifact-dir --out-dir --index --registry --vers --version --git --branch --tag --rev --exclude"
  ).split(" "),
);
const flags =
  /^(-[rqvf]+|--(release|locked|frozen|offline|quiet|verbose|all-features|no-default-features|ignore-rust-version|keep-going|future-incompat-report|timings(=.*)?|bins|lib|force|no-track|debug|unit-graph|build-plan))$/;
/** These check, test or download, and leave nothing of the sources to the image. */
const harmless = new Set(
  "check c clippy test t nextest bench fmt doc d fetch tree metadata version update generate-lockfile clean audit deny search pkgid locate-project help login".split(
    " ",
  ),
);

/** Says what a call of Cargo takes of the sources. @param given its words behind `cargo` */
export function readCargo(given: readonly string[]): CargoReading {
  const [command = "", ...words] = given.filter((word, index) => !(index === 0 && word.startsWith("+")));
  if (/^(--version|-V|--list)$/.test(command) || harmless.has(command)) return nothing;
  if (command === "chef") return /^(prepare|cook)$/.test(words[0] ?? "") ? nothing : unclear;
  if (command === "auditable") return readCargo(words);
  if (/^(build|b|zigbuild)$/.test(command)) return readBuild(words, false);
  return command === "install" ? readBuild(words, true) : unclear;
}

function readBuild(words: readonly string[], install: boolean): CargoReading {
  const found = {
    at: ".",
    packages: [] as string[],
    binaries: [] as string[],
    workspace: false,
    path: false,
    more: false,
  };
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    const [, name = word, joined] = /^(--[\w-]+)=(.*)$/s.exec(word) ?? [];
    const value = (): string => joined ?? words[++index] ?? "";
    if (flags.test(word)) continue;
    if (name === "-p" || name === "--package") found.packages.push(value());
    else if (/^-p./.test(word)) found.packages.push(word.slice(2));
    else if (name === "--bin") found.binaries.push(value());
    else if (name === "--workspace" || name === "--all") found.workspace = true;
    else if (name === "--manifest-path" && !install) found.at = value().replace(/(^|\/)[^/]*$/, "") || ".";
    else if (name === "--path" && install) [found.at, found.path] = [value(), true];
    else if (valued.has(name)) value();
    else if (/^-j\d+$/.test(word)) continue;
    // What is not known may choose other packages, or other settings.
    else if (word.startsWith("-") || !install) return unclear;
    else found.more = true;
  }
  // A program by its name comes from a registry.
  if (install && !found.path) return nothing;
  const { at, packages, binaries, workspace } = found;
  if (found.more || [at, ...packages, ...binaries].some((word) => /[$*?[{~\s]/.test(word))) return unclear;
  return { tools: ["cargo"], cargo: { at, packages, binaries, workspace } };
}
