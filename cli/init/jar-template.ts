import { posix } from "node:path";
import { parseInstructions } from "../../components/dockerfile/dockerfile-instructions.ts";
import type { Repository } from "./repository.ts";
import type { Run } from "./run.ts";

/** A Dockerfile for all modules of a Maven build, told by an argument which jar is to be copied. */
interface JarTemplate {
  readonly dockerfile: string;
  /** The argument with the path of the jar. */
  readonly argument: string;
  /** What the Dockerfile has behind it: `.jar`, or nothing. */
  readonly suffix: string;
  /** The argument with the port, if it EXPOSEs that. */
  readonly port: string | undefined;
}

/**
 * Containers of images that are named after modules of Maven are built by the one Dockerfile that copies the jar that an argument
 * names: elsewhere a plugin of Maven gives it that, and puts the jar beside it.
 * @param dockerfiles those of the repository
 */
export function withJarTemplates(
  runs: readonly Run[],
  dockerfiles: readonly string[],
  { read, files }: Pick<Repository, "read" | "files">,
): readonly Run[] {
  const templates = dockerfiles.flatMap((path) => jarTemplate(path, read(path) ?? ""));
  const [template] = templates;
  if (template === undefined || templates.length > 1) return runs;
  const modules = new Map(
    files
      .filter((file) => posix.basename(file) === "pom.xml" && file.includes("/"))
      .map((file) => [posix.basename(posix.dirname(file)), file]),
  );
  return runs.map((run) => {
    const image = run.image?.split("/").at(-1)?.split(/[:@]/)[0];
    const pom = run.build === undefined && image !== undefined ? modules.get(image) : undefined;
    const jar = pom && jarOf(read(pom) ?? "");
    if (pom === undefined || jar === undefined) return run;
    const port = run.ports[0];
    const args = {
      [template.argument]: `target/${jar}${template.suffix === "" ? ".jar" : ""}`,
      ...(template.port === undefined || port === undefined ? {} : { [template.port]: String(port) }),
    };
    return {
      ...run,
      build: {
        dockerfile: template.dockerfile,
        context: posix.dirname(pom),
        target: undefined,
        args,
        because: `the module of the jar that ${template.dockerfile} copies`,
      },
    };
  });
}

function jarTemplate(dockerfile: string, text: string): JarTemplate[] {
  const { instructions } = parseInstructions(text);
  const open = new Set(
    instructions.flatMap(({ keyword, rest }) => (keyword === "ARG" && /^\w+$/.test(rest.trim()) ? [rest.trim()] : [])),
  );
  const named = (keywords: readonly string[], pattern: RegExp): (readonly [string, string])[] =>
    instructions
      .filter(({ keyword }) => keywords.includes(keyword))
      .flatMap(({ rest }) => {
        const [, name = "", suffix = ""] = pattern.exec(rest) ?? [];
        return open.has(name) ? [[name, suffix] as const] : [];
      });
  const [jar] = named(["COPY", "ADD"], /^\$\{?(\w*(?:JAR|ARTIFACT)\w*)\}?(\.jar)?\s/i);
  const [port] = named(["EXPOSE"], /^\$\{?(\w+)\}?$/);
  return jar === undefined ? [] : [{ dockerfile, argument: jar[0], suffix: jar[1], port: port?.[0] }];
}

/** The name of a module's jar without its end, as Maven gives it: https://maven.apache.org/pom.html#the-basebuild-element-set */
function jarOf(pom: string): string | undefined {
  const parent = /<parent>[^]*?<\/parent>/.exec(pom)?.[0] ?? "";
  const own = pom.replace(parent, "").replace(/<(dependencies|dependencyManagement|build|profiles|plugins)>[^]*/, "");
  const value = (text: string, name: string): string | undefined =>
    new RegExp(`<${name}>\\s*([\\w.-]+)\\s*</${name}>`).exec(text)?.[1];
  const artifact = value(own, "artifactId");
  const version = value(own, "version") ?? value(parent, "version");
  return artifact === undefined || version === undefined ? undefined : `${artifact}-${version}`;
}
