/**
 * The package mirror's process: `node sandbox/machine/images/package-mirror/main.ts --port N --cache FOLDER`
 *
 * It serves Go modules and npm packages to the steps of image builds, on the loopback interface alone. What it lacks it gets
 * with this machine's settings, so that the steps need to know neither these nor any credentials. A version of a module or
 * of a package never changes once it is published: one that is in the folder is served without asking anybody.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { flushCompileCache } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { rootMessage } from "../../../../core/error.ts";
import { sendAnswer, type MirrorAnswer } from "./answer.ts";
import { goModuleMirror } from "./go-modules.ts";
import { npmMirror } from "./npm-packages.ts";

const { values } = parseArgs({ options: { port: { type: "string" }, cache: { type: "string" } }, strict: true });
const { port, cache } = values;
if (port === undefined || cache === undefined)
  throw new Error("usage: node sandbox/machine/images/package-mirror/main.ts --port N --cache FOLDER");

const log = (line: string): void => console.log(line);
const goModules = goModuleMirror(join(cache, "go", "modules"), log);
const npmPackages = npmMirror(join(cache, "npm"), log);

async function answer({ method, url = "/", headers }: IncomingMessage): Promise<MirrorAnswer | undefined> {
  if (method !== "GET") return undefined;
  const path = decodeURIComponent(url.replace(/\?.*$/, ""));
  if (path === "/-/ping") return { body: "{}", type: "application/json" };
  log(`GET ${path}`);
  // No npm package has a name that begins like this.
  const goPath = "/-/go/";
  if (path.startsWith(goPath)) return goModules(path.slice(goPath.length));
  return npmPackages(path.slice(1), { accept: headers.accept ?? "", address: `http://${headers.host ?? ""}` });
}

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await sendAnswer(response, await answer(request));
  } catch (error) {
    log(`${request.url ?? ""} failed: ${rootMessage(error)}`);
    // Whatever the reason: Go then asks for the other modules that could have the package, and shows its user the text.
    if (response.headersSent) response.destroy();
    else response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end(rootMessage(error));
  }
}

const server = createServer((request, response) => void respond(request, response));
await once(server.listen(Number(port), "127.0.0.1"), "listening");
const address = server.address();
log(`Package mirror at http://127.0.0.1:${typeof address === "object" ? address?.port : port}`);
flushCompileCache();
