import type { ProgramLayout } from "./program-layout.ts";
import { run, word, type RunStep } from "./steps.ts";

/**
 * Where the image of the jobs may have this program's packages installed: a directory with `package-lock.json`, `sdks` and
 * `node_modules`, such as a checkout in which `npm ci --ignore-scripts && npm run prepare` has run.
 */
export const installedVariable = "DELIVERY_INSTALLED";

/** Fetches the submodules, which a checkout leaves empty. */
export function fetchSubmodules({ submodules = false }: ProgramLayout): RunStep[] {
  return submodules
    ? [run("Fetch the submodules", "git submodule update --init --recursive", { repeatable: true })]
    : [];
}

/** Clones the program, where it has a repository of its own. */
export function cloneProgram({ clone }: ProgramLayout): RunStep[] {
  return clone === undefined ? [] : [run("Clone the program", cloneCommand(clone))];
}

/**
 * Makes `delivery` a command of all later steps. No job takes packages from a cache of CircleCI's: every branch writes them, and
 * a cache decides itself where its files go. npm checks each package against its hash in the lock file, and runs no code of it.
 */
export function installDelivery({ program }: ProgramLayout): RunStep {
  const own = (path: string): string => word(program === "." ? path : `${program}/${path}`);
  return run(
    "Install delivery",
    [
      `installed="\${${installedVariable}:-}"`,
      `if [ -n "$installed" ] && cmp -s "$installed/package-lock.json" ${own("package-lock.json")} &&`,
      `  diff -rq --exclude=bin --exclude=node_modules "$installed/sdks" ${own("sdks")} >/dev/null; then`,
      `  rm -rf ${own("node_modules")} && mkdir ${own("node_modules")}`,
      `  ln -s "$installed"/node_modules/* "$installed"/node_modules/.[!.]* ${own("node_modules")}`,
      "else",
      `  npm ci --prefix ${word(program)} --ignore-scripts --omit=optional --no-audit --no-fund`,
      "fi",
      // npx would take a second at every call. The program's directory is where the stack files are.
      `echo "delivery() { (cd '$PWD/${program}' && node cli/delivery.js \\"\\$@\\"); }" >>"$BASH_ENV"`,
    ].join("\n"),
    { repeatable: true },
  );
}

/** Checks out after the clone: `git clone --branch` takes no id of a commit. */
function cloneCommand({ repository, ref, directory }: NonNullable<ProgramLayout["clone"]>): string {
  const clone = `git clone --filter=blob:none "${repository}" "${directory}"`;
  return ref === undefined ? clone : `${clone}\ngit -C "${directory}" checkout "${ref}"`;
}

/** A release of the Pulumi CLI, and the SHA-256 of its archives by what `uname -m` says. */
export interface PulumiRelease {
  readonly version: string;
  readonly archives: Readonly<Record<string, { readonly platform: string; readonly sha256: string }>>;
}

/**
 * The one that is installed where the image has none.
 * Source: https://get.pulumi.com/releases/sdk/pulumi-3.255.0-checksums.txt
 */
export const pulumiRelease: PulumiRelease = {
  version: "3.255.0",
  archives: {
    x86_64: { platform: "linux-x64", sha256: "cf559568e2c32f7fae56ea3de8ae5fa48973ba8c5aa9dd2b3dc0c8898fe50dba" },
    aarch64: { platform: "linux-arm64", sha256: "699fbc6ea848d997e9b3645487f108d27b1b55ec807c7576406131e6e080f0e3" },
  },
};

/**
 * What previews and the like need beyond `delivery`: Pulumi, and the SDK of CircleCI's provider, which no script of npm's has
 * compiled. The script is this program's own `prepare`.
 */
export function installPulumi({ program }: ProgramLayout, { version, archives } = pulumiRelease): RunStep {
  const modules = program === "." ? "node_modules" : `${program}/node_modules`;
  return run(
    "Install Pulumi",
    [
      "command -v pulumi || {",
      '  case "$(uname -m)" in',
      ...Object.entries(archives).map(
        ([machine, { platform, sha256 }]) => `    ${machine}) platform=${platform} sha256=${sha256} ;;`,
      ),
      `    *) echo "Pulumi ${version} is not pinned for $(uname -m): have pulumi in the image of the jobs" >&2; exit 1 ;;`,
      "  esac",
      `  name=pulumi-v${version}-$platform.tar.gz archive="$(mktemp)" bin="$HOME/.pulumi/bin"`,
      '  curl -fsSL --retry 3 --output "$archive" "https://get.pulumi.com/releases/sdk/$name"',
      '  echo "$sha256  $archive" | sha256sum --check --status || {',
      '    echo "$name as downloaded does not have the SHA-256 that is pinned, so nothing of it is run" >&2',
      "    exit 1",
      "  }",
      '  mkdir -p "$bin" && tar --extract --gzip --strip-components=1 --directory="$bin" --file="$archive"',
      `  echo 'PATH="$PATH:$HOME/.pulumi/bin"' >>"$BASH_ENV"`,
      "}",
      `[ -e ${word(`${modules}/@pulumi/circleci/bin`)} ] || npm run --silent --prefix ${word(program)} prepare`,
    ].join("\n"),
    { repeatable: true },
  );
}
