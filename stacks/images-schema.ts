import { z } from "zod";
import { platformSchema, platformsSchema } from "../components/service/build-settings.ts";
import { imageSigningSchema } from "./image-signing-schema.ts";
import { isElasticRegistry, nameComponent } from "../core/image-name.ts";
import { nonEmpty } from "../core/problem.ts";

const keysSchema = z.strictObject({
  /** The registry's host. @default docker.io */
  registry: z
    .string()
    .regex(/^[a-z0-9.-]+(:\d+)?$/, "Must be a host such as docker.io or localhost:5001, without https://")
    .default("docker.io"),
  /** The account or organization that owns the repositories; of some registries, a path of several parts. */
  organization: z
    .string("Set it to your Docker Hub organization")
    .regex(
      new RegExp(`^${nameComponent}(?:/${nameComponent})*$`),
      "Is not a valid name: lower case letters, digits, '-', '_' and '.', with '/' between parts; set it to your Docker Hub organization",
    ),
  /**
   * How the registry knows who asks. `password`: as `username` with the secret `registryPassword`. `own`: nodes pull as
   * themselves, and CI and people by Docker's credential helpers; nothing of a login is declared. @default password
   */
  login: z.enum(["password", "own"], "Must be password or own").default("password"),
  /** The user that pushes and pulls. */
  username: nonEmpty("the registry's user").optional(),
  /** `build`: this program builds and pushes; `registry`: CI does, and the release records say what runs. */
  source: z.enum(["build", "registry"], "Must be build or registry"),
  /** The platform that images are built for. @default linux/amd64 */
  platform: platformSchema.optional(),
  /** Several of them: each image is then an index with one for each. A service may say its own. @default the one of `platform` */
  platforms: platformsSchema.optional(),
  /** The tag pushed for people; deployed is always the digest. @default latest */
  tag: z
    .string("Must be a string; quote it")
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/, "Is not a valid image tag")
    .default("latest"),
  /** The build context: the directory of the service, or the root of the monorepo. @default service */
  context: z.enum(["service", "app"], "Must be service or app").default("service"),
  /** Where CI writes the release records, relative to this program; needed by source `registry` with delivery `direct`. */
  releases: z.string().optional(),
  /** @default images are neither signed nor verified */
  signing: imageSigningSchema.optional(),
  /**
   * The login of an account that may only read, with which CI's builds pull what Dockerfiles build on: those of pull requests
   * have no other. @default none
   */
  pull: z
    .strictObject({
      /** The registry that it is for. @default docker.io */
      registry: z
        .string()
        .regex(/^[a-z0-9.-]+(:\d+)?$/, "Must be a host such as ghcr.io or registry.example:5000, without https://")
        .default("docker.io"),
      username: nonEmpty("the name of an account that may only read"),
      password: z.string("Must be the name of a secret"),
    })
    .optional(),
});

/** Where images are, and how they come there. */
export const imagesSchema = keysSchema
  .refine(({ platform, platforms }) => platform === undefined || platforms === undefined, {
    path: ["platform"],
    message: "Has no effect beside images.platforms; remove one of them",
  })
  .refine(({ login, username }) => login === "own" || username !== undefined, {
    path: ["username"],
    message: "Set it to the registry's user",
  })
  .refine(({ login, username }) => login === "password" || username === undefined, {
    path: ["username"],
    message: "Has no effect beside images.login own; remove one of them",
  })
  .superRefine((images, context) => {
    const message = locationProblem(images);
    if (message !== undefined) context.addIssue({ code: "custom", path: message.path, message: message.text });
  })
  .transform(({ platform = "linux/amd64", platforms = [platform], ...images }) => ({ ...images, platforms }));

/** Where images are built and signed, and copied from: elsewhere than in `images`, if `signing.origin` says so. */
export function imagesOrigin({
  registry,
  organization,
  signing,
}: Pick<z.infer<typeof imagesSchema>, "registry" | "organization" | "signing">): {
  readonly registry: string;
  readonly organization: string;
} {
  const [host, ...path] = signing?.origin?.split("/") ?? [];
  return host === undefined ? { registry, organization } : { registry: host, organization: path.join("/") };
}

/** What a registry is known to refuse, of where its images would be and of who asks. */
function locationProblem({
  registry,
  organization,
  login,
}: Pick<z.infer<typeof keysSchema>, "registry" | "organization" | "login">):
  | { path: string[]; text: string }
  | undefined {
  const [first = "", ...rest] = organization.split("/");
  const at = (key: string, text: string) => ({ path: [key], text });
  if (isElasticRegistry(registry) && login === "password")
    return at(
      "login",
      "Must be own: a password of ECR holds for 12 hours, after which no pod could pull; nodes pull as themselves there, and CI by ECR's credential helper",
    );
  if (registry.endsWith("-docker.pkg.dev") && rest.length === 0)
    return at(
      "organization",
      "Must be PROJECT/REPOSITORY: images of Artifact Registry are in a repository of a project",
    );
  if (registry !== "docker.io" || rest.length === 0) return undefined;
  return first.includes(".")
    ? at("organization", `Begins with a host; set images.registry to ${first}, and this to the rest`)
    : at("organization", "Must be one part: Docker Hub has no deeper ones; set images.registry where the images are");
}
