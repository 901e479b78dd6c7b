import { createServer } from "node:http";
import { z } from "zod";
import type { ScrubbedState } from "./scrubbed-state.ts";

/** Answers the one question that a preview has for CircleCI, on loopback, until it is disposed of. */
export interface ProjectLookup extends AsyncDisposable {
  /** In place of CircleCI's base URL. */
  readonly host: string;
}

const componentSchema = z.object({ projectId: z.string(), projectSlug: z.string().optional() });
const nobody = "00000000-0000-0000-0000-000000000000";

/**
 * An environment that does not own the CircleCI project looks it up by its slug, which needs a token. Without one the
 * project is taken for the one that the state has.
 */
export async function serveProjectLookup(state: ScrubbedState | undefined): Promise<ProjectLookup> {
  const component = (state?.deployment.resources ?? []).find(({ type }) => type === "delivery:ci:CiProject");
  const known = componentSchema.safeParse(component?.outputs);
  const id = known.success ? known.data.projectId : nobody;
  const server = createServer((request, response) => {
    const slug = /\/project\/([^/?]+\/[^/?]+\/[^/?]+)$/.exec(request.url ?? "")?.[1];
    if (slug === undefined) return response.writeHead(404).end('{"message": "there are no credentials for CircleCI"}');
    const [, organization = "", name = ""] = decodeURIComponent(slug).split("/");
    const project = {
      id,
      slug: known.success ? (known.data.projectSlug ?? decodeURIComponent(slug)) : decodeURIComponent(slug),
      name,
      organization_id: nobody,
      organization_name: organization,
      organization_slug: decodeURIComponent(slug).split("/").slice(0, 2).join("/"),
      vcs_info: { vcs_url: "", provider: "CircleCI", default_branch: "main" },
    };
    return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(project));
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(0, "127.0.0.1", () => listening());
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("unreachable: a server on TCP has a port");
  return {
    host: `http://127.0.0.1:${address.port}/api/v2`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
