import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { writeFileAtomically } from "../../core/atomic-file.ts";
import { download, DownloadError, isUrl, sha256, type DownloadOptions } from "../../core/download.ts";
import { errorMessage } from "../../core/error.ts";
import type { Problem } from "../../core/problem.ts";
import { parseManifests } from "../../kubernetes/manifests.ts";
import { kindOf, nameOf, type KubernetesObject } from "../../kubernetes/object.ts";
import { readFromModule, type GoModuleFile } from "./go-module-proxy.ts";

/** Which release of a product is installed, as the stack file says. */
export interface ReleaseSettings {
  /** @default the version that this program is tested with */
  version?: string | undefined;
  /** A copy of the release's manifests: a URL, or a file relative to this program. @default those that its project publishes */
  manifests?: string | undefined;
}

/** Where a project publishes the manifests of its releases. */
export interface Publication {
  /** For people, e.g. `Argo CD`. */
  readonly product: string;
  /** What messages call the file, e.g. `ha/install.yaml`. */
  readonly file: string;
  readonly url: (version: string) => string;
  /** The Go module that has the same file. @default none has */
  readonly module?: GoModuleFile;
  /** The version that this program is tested with, and the SHA-256 of its file. */
  readonly tested: { readonly version: string; readonly sha256: string };
}

interface ReleaseRequest {
  /** Where the settings stand, e.g. `stacks/Pulumi.dev.yaml: gitops.argoCd`. */
  location: string;
  publication: Publication;
  settings: ReleaseSettings;
  /** What it must have, e.g. `ConfigMap argocd-cm`. */
  required: readonly string[];
}

interface ReleaseOptions extends DownloadOptions {
  /** Where what was downloaded once is kept. @default the user's directory of caches */
  cache?: string;
}

/**
 * The objects of a release, as its project publishes them in one file. They are read by the program itself: the official
 * Kubernetes provider renders a chart, or the manifests of a `yaml/v2` component, only with a cluster that it can reach.
 */
export async function readRelease(
  request: ReleaseRequest,
  options: ReleaseOptions = {},
): Promise<{ objects: readonly KubernetesObject[] } | { problem: Problem }> {
  const { location, publication, settings } = request;
  const key = settings.manifests === undefined ? "version" : "manifests";
  const value = settings[key] ?? publication.tested.version;
  const problem = (what: string): { problem: Problem } => ({
    problem: { location: `${location}.${key}`, message: `${JSON.stringify(value)}: ${what}; ${hint(request, what)}` },
  });
  try {
    const found = await (key === "version" ? published(publication, value, options) : copied(value, options));
    if ("problem" in found) return problem(found.problem);
    const names = new Set(found.objects.map((object) => `${kindOf(object).kind} ${nameOf(object)}`));
    const missing = request.required.filter((name) => !names.has(name));
    return missing.length === 0 ? found : problem(`has no ${missing.join(", no ")}`);
  } catch (error) {
    return problem(errorMessage(error));
  }
}

/** What to do about a release that cannot be read. */
function hint({ location, publication, settings }: ReleaseRequest, what: string): string {
  const { product, file, tested } = publication;
  if (settings.manifests !== undefined)
    return `set it to a copy of ${product}'s ${file}: a URL, or a file relative to this program`;
  const copy = `set ${location.replace(/^.*: /, "")}.manifests to a copy of the release's ${file}`;
  if (/ answers \d+$|^has no /.test(what))
    return `set it to a release of ${product}, such as ${tested.version}, or ${copy}`;
  return `behind a proxy set NODE_USE_ENV_PROXY=1 beside HTTPS_PROXY, or ${copy}`;
}

type Parsed = ReturnType<typeof parseManifests>;

/** What a project has published never changes, so it is downloaded once per machine. */
async function published(publication: Publication, version: string, options: ReleaseOptions): Promise<Parsed> {
  const { product, tested, url } = publication;
  const address = url(version);
  const cached = join(options.cache ?? userCache(), `${sha256(address)}.json`);
  const known = cachedObjects(cached);
  if (known !== undefined) return { objects: known };
  const text = await downloadRelease(publication, version, options);
  if (version === tested.version && sha256(text) !== tested.sha256)
    return {
      problem: `${address} is not what ${product} has released: its SHA-256 is ${sha256(text)}, not ${tested.sha256}`,
    };
  const parsed = parseManifests(text);
  if ("problem" in parsed) return { problem: `${address} ${parsed.problem}` };
  keep(cached, parsed.objects);
  return parsed;
}

/** Networks that keep GitHub out often let package registries in: there the module has the file. */
async function downloadRelease(
  { module, url }: Publication,
  version: string,
  options: ReleaseOptions,
): Promise<string> {
  try {
    return await download(url(version), options);
  } catch (error) {
    const isKeptOut = error instanceof DownloadError && error.status !== 404;
    const text = isKeptOut && module ? await readFromModule(module, version, options) : undefined;
    if (text === undefined) throw error;
    return text;
  }
}

/** A copy may change, and a file is at hand: both are read anew. */
async function copied(manifests: string, options: ReleaseOptions): Promise<Parsed> {
  return parseManifests(isUrl(manifests) ? await download(manifests, options) : await readFile(manifests, "utf8"));
}

function userCache(): string {
  return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "delivery");
}

function cachedObjects(path: string): KubernetesObject[] | undefined {
  try {
    const parsed = parseManifests(readFileSync(path, "utf8"));
    return "objects" in parsed ? parsed.objects : undefined;
  } catch {
    // Not there yet.
    return undefined;
  }
}

/** A cache that cannot be written is none: the next run downloads again. */
function keep(path: string, items: readonly KubernetesObject[]): void {
  try {
    writeFileAtomically(path, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  } catch {
    return;
  }
}
