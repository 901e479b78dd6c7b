import { availableParallelism } from "node:os";
import { isMap } from "../../../kubernetes/json.ts";
import { silentLog, type EngineLog } from "../engine-client.ts";
import { revealMap, type PropertyMap } from "../property.ts";
import type {
  CheckRequest,
  ConfiguredProvider,
  CreateRequest,
  ResourceProvider,
  UpdateRequest,
} from "../resource-provider.ts";
import type { FileDigests } from "./build-context.ts";
import { hostPlatform, readImageInputs } from "./image-inputs.ts";
import { canBuildOnPreview, checkImage, diffImage, imageBuild, imageOutputs } from "./image.ts";
import { runBuild, type BuildKit } from "./run-build.ts";

export interface DockerProviderOptions {
  /** The program's folder: relative contexts and Dockerfiles count from it, as they do in the official plugin. */
  directory: string;
  /** Starts BuildKit or finds it running. Called for the first image that is to be built; at preview only with `buildOnPreview`. */
  buildKit: () => Promise<BuildKit>;
  /**
   * How many images are built at the same time. Builds of one language compile the same libraries into one cache; side by
   * side each of them would do it.
   * @default half of the processors
   */
  parallelBuilds?: number;
}

const imageToken = "docker:index/image:Image";

/**
 * The offline `docker` provider: `docker.Image` built by BuildKit instead of a Docker daemon, and pushed to its registry.
 *
 * It takes and returns what the official plugin 5.2.0 does, so states are interchangeable. Where that plugin loads an image
 * into the daemon's store (`skipPush`), the image stays in BuildKit's cache. Provider settings, which tell how to reach a
 * daemon, have no effect.
 */
export function createDockerProvider(options: DockerProviderOptions): ResourceProvider {
  const known: FileDigests = new Map();
  const queue = buildQueue(options.parallelBuilds ?? Math.max(1, Math.floor(availableParallelism() / 2)));
  let started: Promise<BuildKit> | undefined;
  const buildKit = (): Promise<BuildKit> => {
    started ??= options.buildKit().catch((error: unknown) => {
      // The next image starts it again.
      started = undefined;
      throw error;
    });
    return started;
  };
  return {
    name: "docker",
    version: "5.2.0",
    configure: (_inputs, log = silentLog) =>
      Promise.resolve(imageProvider({ directory: options.directory, buildKit, queue, known, log })),
  };
}

interface ProviderContext {
  directory: string;
  buildKit: () => Promise<BuildKit>;
  queue: BuildQueue;
  known: FileDigests;
  log: EngineLog;
}

function imageProvider({ directory, buildKit, queue, known, log }: ProviderContext): ConfiguredProvider {
  const build = async (request: CreateRequest | UpdateRequest, properties: PropertyMap): Promise<PropertyMap> => {
    const { inputs, failures } = readImageInputs(properties);
    if (failures[0] !== undefined) throw new Error(`${failures[0].property}: ${failures[0].reason}`);
    if ((inputs.registry.username === "") !== (inputs.registry.password === "") && !request.preview) {
      const missing = inputs.registry.username === "" ? "username" : "password";
      log.message(
        "warning",
        request.urn,
        `registry.${missing} is not set: the credentials of this machine's Docker configuration are used`,
      );
    }
    const desired = imageBuild(properties, inputs, directory, inputs.skipPush !== true && !request.preview);
    log.status(request.urn, "waiting for its turn");
    const built = await queue(async () => {
      log.status(request.urn, "starting BuildKit");
      return await runBuild(desired, {
        buildKit: await buildKit(),
        access: inputs.registry,
        report: (line) => log.status(request.urn, line),
        timeoutSeconds: request.timeoutSeconds,
      });
    });
    log.status(request.urn, desired.push ? `pushed ${built.digest}` : `built ${built.id}`);
    return imageOutputs(properties, inputs, desired, built);
  };

  /** Without a build at preview the outputs are the inputs, and all others unknown. */
  const preview = (urn: string, properties: PropertyMap): boolean => {
    if (canBuildOnPreview(properties)) return false;
    if (readImageInputs(properties).inputs.buildOnPreview !== false) {
      log.message(
        "warning",
        urn,
        "not built on preview, since the image's name, context, Dockerfile or arguments are not known yet",
      );
    }
    return true;
  };

  return {
    async check(request: CheckRequest) {
      if (request.type !== imageToken) throw new Error(unsupportedMessage(request.type));
      if (lacksPlatform(request.news))
        log.message(
          "info",
          request.urn,
          `building for ${hostPlatform()}: set build.platform to build the same on every machine`,
        );
      return await checkImage(request.news, directory, known);
    },
    diff: (request) => Promise.resolve(diffImage(request.olds, request.news)),
    async create(request) {
      if (request.preview && preview(request.urn, request.inputs)) return { id: "", outputs: request.inputs };
      const outputs = await build(request, request.inputs);
      return { id: request.preview ? "" : (readImageInputs(request.inputs).inputs.imageName ?? ""), outputs };
    },
    // As the official plugin: what a registry holds is not compared with the state.
    read: (request) => Promise.resolve({ id: request.id, outputs: request.state, inputs: request.inputs }),
    async update(request) {
      if (request.preview && preview(request.urn, request.news)) return request.news;
      return await build(request, request.news);
    },
    // As the official plugin: images stay in the registry, where others may refer to them.
    delete: () => Promise.resolve(),
    invoke: (token) => Promise.reject(new Error(unsupportedMessage(token))),
  };
}

function lacksPlatform(properties: PropertyMap): boolean {
  const build = revealMap(properties)["build"] ?? {};
  return isMap(build) && (build["platform"] ?? null) === null;
}

function unsupportedMessage(token: string): string {
  return `the sandbox's docker provider serves ${imageToken} only, not ${token}: the official plugin "docker" supports it (pulumi plugin install resource docker 5.2.0)`;
}

/** Runs a task when it is its turn. */
type BuildQueue = <T>(task: () => Promise<T>) => Promise<T>;

/** Lets at most `count` tasks run at a time, in the order in which they come. */
export function buildQueue(count: number): BuildQueue {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= count) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      // The next task takes over the slot.
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
