/**
 * The process of the mirror: `node sandbox/machine/images/mirror/main.ts --port N --cache FOLDER --materials JSON [--provided FILE] [--origin-first]`
 *
 * It stands where image builds would reach for the public registries, on the loopback interface alone: for Docker Hub it has
 * base images that are made here, and those that its user has provided; Go modules and npm packages it gets with this machine's settings, so that the steps of a
 * build need to know neither these nor any credentials. A version of a module or of a package never changes once it is
 * published: one that is in the cache is served without asking anybody.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { flushCompileCache } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { rootMessage } from "../../../../core/error.ts";
import { sendAnswer, type MirrorAnswer } from "./answer.ts";
import { baseImageMirror, materialsSchema } from "./base-images.ts";
import { goModuleMirror } from "./go-modules.ts";
import { providedImageMirror } from "./provided-images.ts";
import { npmMirror } from "./npm-packages.ts";

const text = { type: "string" } as const;
const options = {
  port: text,
  cache: text,
  materials: text,
  provided: text,
  "origin-first": { type: "boolean" },
} as const;
const { values } = parseArgs({ options, strict: true });
const { port, cache, materials } = values;
if (port === undefined || cache === undefined || materials === undefined)
  throw new Error("usage: node sandbox/machine/images/mirror/main.ts --port N --cache FOLDER --materials JSON");

const log = (line: string): void => console.log(line);
const baseImages = baseImageMirror(join(cache, "base-images"), materialsSchema.parse(JSON.parse(materials)), log);
const goModules = goModuleMirror(join(cache, "go", "modules"), log);
const provided = values.provided === undefined ? undefined : providedImageMirror(values.provided);
// What is made here stands in for the real images where these cannot be had; the example always runs on it.
const isOriginServing =
  values["origin-first"] === true ? memoizeFor(60_000, dockerHubAnswers) : () => Promise.resolve(false);
const npmPackages = npmMirror(join(cache, "npm"), log);

async function answer({ method = "", url = "/", headers }: IncomingMessage): Promise<MirrorAnswer | undefined> {
  if (!["GET", "HEAD"].includes(method)) return undefined;
  const path = decodeURIComponent(url.replace(/\?.*$/, "")).slice(1);
  if (path === "-/ping") return { content: "{}", type: "application/json" };
  log(`${method} /${path}`);
  // No npm package has a name that begins like these two.
  const [imagePath, goPath] = ["v2/", "-/go/"];
  if (path.startsWith(imagePath)) return imageAt(path.slice(imagePath.length), method);
  if (path.startsWith(goPath)) return goModules(path.slice(goPath.length));
  return npmPackages(path, { accept: headers.accept ?? "", address: `http://${headers.host ?? ""}` });
}

async function imageAt(path: string, method: string): Promise<MirrorAnswer | undefined> {
  const given = await provided?.(path, method);
  if (given !== undefined) return given;
  // The frontend is the real one.
  const isStandIn = path !== "" && !path.startsWith("docker/dockerfile/");
  return isStandIn && (await isOriginServing()) ? undefined : baseImages(path);
}

async function dockerHubAnswers(): Promise<boolean> {
  const signal = AbortSignal.timeout(3_000);
  const response = await fetch("https://registry-1.docker.io/v2/", { signal }).catch(() => undefined);
  await response?.body?.cancel();
  return response !== undefined && response.status < 500;
}

/** @param milliseconds how long an answer holds */
function memoizeFor<T>(milliseconds: number, ask: () => Promise<T>): () => Promise<T> {
  let known: { readonly until: number; readonly said: Promise<T> } | undefined;
  return () => {
    if (known === undefined || known.until < Date.now()) known = { until: Date.now() + milliseconds, said: ask() };
    return known.said;
  };
}

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await sendAnswer(response, await answer(request), request.method === "GET");
  } catch (error) {
    // The client has gone.
    if (response.headersSent) return void response.destroy();
    log(`${request.url ?? ""} failed: ${rootMessage(error)}`);
    // Whatever the reason: Go then asks for the other modules that could have the package, and shows its user the text.
    response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end(rootMessage(error));
  }
}

const server = createServer((request, response) => void respond(request, response));
await once(server.listen(Number(port), "127.0.0.1"), "listening");
const address = server.address();
log(`Mirror at http://127.0.0.1:${typeof address === "object" ? address?.port : port}`);
flushCompileCache();
