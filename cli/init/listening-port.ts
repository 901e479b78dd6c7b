import { exposedPort } from "../../components/dockerfile/dockerfile.ts";
import { sourceDirectory } from "./context.ts";
import type { FoundImage } from "./images.ts";
import { isPort, valueAt, yamlDocuments } from "./parsed-yaml.ts";
import type { Repository } from "./repository.ts";
import type { Run } from "./run.ts";

/** The port that a service listens on, and where that is known from; no origin: the program finds it by itself. */
export interface ListeningPort {
  readonly port: number | undefined;
  readonly from: string | undefined;
}

/** @param run how it is run */
export function portOf(
  { dockerfile, context, target, buildArgs, kind }: FoundImage,
  run: Run | undefined,
  { read, under }: Pick<Repository, "read" | "under">,
): ListeningPort {
  if (kind !== undefined) return { port: undefined, from: undefined };
  const text = read(dockerfile) ?? "";
  const exposed = exposedPort(text, { target, buildArgs });
  const [said] = run?.ports ?? [];
  // Several containers of one image may listen at a port each.
  if (exposed !== undefined && (said === undefined || run?.ports.includes(exposed) === true))
    return { port: exposed, from: undefined };
  if (said !== undefined) return { port: said, from: run?.file };
  if (exposed !== undefined) return { port: exposed, from: undefined };
  const environment = /^\s*ENV\s+(?:.*\s)?PORT[= ]"?(\d{2,5})\b/im.exec(text)?.[1];
  if (environment !== undefined) return { port: Number(environment), from: "PORT in its Dockerfile" };
  const configured = configuredPort(sourceDirectory({ dockerfile, context }), { read, under });
  if (configured !== undefined) return configured;
  const base = baseImage(text);
  const served =
    base === undefined
      ? undefined
      : serverImages.find(({ image, always }) => image.test(base) && (always || run === undefined))?.port;
  return served === undefined ? { port: undefined, from: undefined } : { port: served, from: `of ${base}` };
}

const configuration = /(^|\/)src\/main\/resources\/(config\/)?(application|bootstrap)\.(ya?ml|properties)$/;

/** As the configuration of Spring Boot and of Micronaut says, or has as the default of a variable. */
function configuredPort(
  directory: string,
  { read, under }: Pick<Repository, "read" | "under">,
): ListeningPort | undefined {
  for (const file of under(directory).filter((path) => configuration.test(path))) {
    const text = read(file) ?? "";
    const documents = file.endsWith(".properties")
      ? [
          Object.fromEntries(
            [...text.matchAll(/^\s*([\w.]+)\s*[=:]\s*(.*?)\s*$/gm)].map(([, key, value]) => [key, value]),
          ),
        ]
      : yamlDocuments(text);
    const values = documents.flatMap((document) => [
      document["server.port"] ?? valueAt(document, "server", "port"),
      document["micronaut.server.port"] ?? valueAt(document, "micronaut", "server", "port"),
    ]);
    const port = values.map((value) => Number(/^(?:\$\{[^:}]+:)?(\d+)\}?$/.exec(String(value))?.[1])).find(isPort);
    if (port !== undefined) return { port, from: file };
  }
  return undefined;
}

/** Images that say themselves where they listen. What only some programs in them do, a container that tells its ports knows. */
const serverImages = [
  { image: /(^|\/)nginx-unprivileged\b/, port: 8080, always: true },
  { image: /(^|\/)(nginx|httpd|caddy|wordpress)\b|(^|\/)php:[\w.-]*apache/, port: 80, always: true },
  { image: /(^|\/)(tomcat|jetty)\b/, port: 8080, always: true },
  { image: /dotnet\/aspnet:(8|9|1\d)\b/, port: 8080, always: false },
] as const;

/** What the image is made from that a Dockerfile makes. */
export function baseImage(dockerfile: string | undefined): string | undefined {
  return [...(dockerfile ?? "").matchAll(/^\s*FROM\s+(?:--\S+\s+)*(\S+)/gim)].at(-1)?.[1];
}
