import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { errorMessage } from "../../../core/error.ts";
import { asProgramConfig, readStackFile } from "../../../stacks/stack-file.ts";
import { openMockEngine, runProgram } from "../../support/mock-engine.ts";
import { keyPair } from "../../support/signing.ts";

/** A monorepo of two services that are fine; its path is relative, as in a stack file. */
let app: string;
beforeEach(() => {
  app = relative(process.cwd(), mkdtempSync(join(tmpdir(), "bad-input-")));
  write("svc/link_service/Dockerfile", "FROM scratch\nEXPOSE 7070\n");
  write("svc/link_service/service.yaml", "peers: [user]\n");
  write("svc/user_service/Dockerfile", "FROM scratch\nEXPOSE 7071\n");
});
afterEach(() => rmSync(app, { recursive: true, force: true }));

function write(path: string, content: string): void {
  mkdirSync(dirname(join(app, path)), { recursive: true });
  writeFileSync(join(app, path), content);
}

const file = "stacks/Pulumi.sandbox.yaml";
type Settings = Record<string, unknown>;

/** Those of the sandbox's own CI are none of these tests' business. */
function withoutCiSecrets(settings: Settings): Settings {
  return { ...settings, "delivery:ci": { ...Object(settings["delivery:ci"]), environment: {}, contexts: {} } };
}

/** Runs the whole program and returns its error; fails if it declares anything. */
async function rejection(
  change: (settings: Settings) => void,
  plainSecrets = false,
  furtherSecrets: readonly string[] = [],
): Promise<string> {
  const settings: Settings = {
    ...withoutCiSecrets(readStackFile("sandbox")),
    "delivery:delivery": "direct",
    "delivery:app": { name: "shop", directory: app },
    "delivery:registryPassword": "secret-registry-password",
    "delivery:circleciToken": "secret-token",
    "delivery:secrets": { "db-password": "secret-db-password" },
  };
  change(settings);
  const secretKeys = plainSecrets
    ? []
    : [
        "delivery:registryPassword",
        "delivery:circleciToken",
        "delivery:secrets",
        "delivery:kubeconfig",
        ...furtherSecrets,
      ];
  const engine = await openMockEngine("sandbox", { values: asProgramConfig(settings), secretKeys });
  const message = await runProgram().then(
    () => "",
    (error: unknown) => errorMessage(error),
  );
  expect(message).not.toContain("secret-");
  expect(Object.keys(await engine.resources())).toEqual([]);
  return message;
}

function set(path: string, value: unknown): (settings: Settings) => void {
  const [key = "", ...rest] = path.split(".");
  return (settings) => {
    if (rest.length === 0) settings[`delivery:${key}`] = value;
    else settings[`delivery:${key}`] = changed(structuredClone(settings[`delivery:${key}`] ?? {}), rest, value);
  };
}

function changed(target: unknown, [key = "", ...rest]: string[], value: unknown): unknown {
  const map = { ...Object(target) };
  if (rest.length > 0) map[key] = changed(map[key] ?? {}, rest, value);
  else if (value === undefined) delete map[key];
  else map[key] = value;
  return map;
}

/** What a stack file says of images at least. */
const images = { organization: "acme", username: "acme-ci", source: "build" };

const remove = (key: string) => (settings: Settings) => void delete settings[`delivery:${key}`];

describe("an invalid stack file gets one clear error and declares nothing", () => {
  test.each<[what: string, change: (settings: Settings) => void, location: string, hint: RegExp]>([
    [
      "another schema version",
      set("schemaVersion", 3),
      `${file}: schemaVersion`,
      /^.*3: must be 2: this program reads version 2/,
    ],
    ["no schema version", remove("schemaVersion"), `${file}: schemaVersion`, /missing; must be 2/],
    [
      "an earlier schema version",
      set("schemaVersion", 1),
      `${file}: schemaVersion`,
      /1: this program reads version 2; set it to 2: no key of yours has another name there/,
    ],
    [
      "a key of an earlier version",
      set("defaults.test.beside", []),
      `${file}: defaults.test.beside`,
      /unknown key; version 2 calls it defaults\.test\.services/,
    ],
    [
      "an unknown top-level key",
      set("servises", {}),
      `${file}: servises`,
      /unknown key; correct its spelling or remove it/,
    ],
    ["an unknown nested key", set("images.organisation", "x"), `${file}: images.organisation`, /unknown key/],
    ["a missing section", remove("app"), `${file}: app`, /missing/],
    ["a text for a section", set("app", "shop"), `${file}: app`, /"shop": must be a map of keys and values/],
    ["a wrong type", set("owns.ciProject", "yes"), `${file}: owns.ciProject`, /"yes": must be true or false/],
    ["an app name in capitals", set("app.name", "Shop"), `${file}: app.name`, /"Shop": must be 1 to 32 lower case/],
    [
      "an app directory that is not there",
      set("app.directory", "no/such"),
      `${file}: app.directory`,
      /"no\/such" does not exist; name the root/,
    ],
    [
      "a service pattern that matches nothing",
      set("app.services", "services/*"),
      `${file}: app.services`,
      /"services\/\*" matches no directory with a Dockerfile/,
    ],
    [
      "a file of settings that no service has",
      set("app.serviceFile", "delivery.yaml"),
      `${file}: app.serviceFile`,
      /"delivery\.yaml": no service has such a file beside its Dockerfile; correct the name, or remove it/,
    ],
    [
      "a file of settings in another directory",
      set("app.serviceFile", "deploy/service.yaml"),
      `${file}: app.serviceFile`,
      /"deploy\/service\.yaml": must be the name of a file such as delivery\.yaml/,
    ],
    [
      "an image without an organization",
      set("images.organization", undefined),
      `${file}: images.organization`,
      /missing; set it to your Docker Hub organization/,
    ],
    [
      "an empty organization",
      set("images.organization", ""),
      `${file}: images.organization`,
      /"": is not a valid name/,
    ],
    [
      "an organization in capitals",
      set("images.organization", "Acme"),
      `${file}: images.organization`,
      /"Acme": is not a valid name/,
    ],
    [
      "a registry with a scheme",
      set("images.registry", "https://docker.io"),
      `${file}: images.registry`,
      /must be a host such as docker.io.*without https/,
    ],
    [
      "an unknown image source",
      set("images.source", "docker"),
      `${file}: images.source`,
      /"docker": must be build or registry/,
    ],
    [
      "source registry without release records",
      set("images.source", "registry"),
      `${file}: images.releases`,
      /missing; set it to the directory of the release records/,
    ],
    [
      "an invalid platform",
      set("images.platform", "amd64"),
      `${file}: images.platform`,
      /must be a platform such as linux\/amd64/,
    ],
    ["a number as a tag", set("images.tag", 0.2), `${file}: images.tag`, /0.2: must be a string; quote it/],
    [
      "two ways to say the platforms",
      (settings) => {
        set("images.platform", "linux/amd64")(settings);
        set("images.platforms", ["linux/arm64"])(settings);
      },
      `${file}: images.platform`,
      /"linux\/amd64": has no effect beside images\.platforms; remove one of them/,
    ],
    [
      "a platform in place of a list",
      set("images.platforms", "linux/arm64"),
      `${file}: images.platforms`,
      /"linux\/arm64": must be a list of platforms, such as \[linux\/amd64, linux\/arm64\]/,
    ],
    ["no platform at all", set("images.platforms", []), `${file}: images.platforms`, /must name a platform/],
    [
      "a platform twice",
      set("services.user.platforms", ["linux/arm64", "linux/arm64"]),
      `${file}: services.user.platforms`,
      /names a platform twice; remove one of them/,
    ],
    [
      "an unknown platform among others",
      set("defaults.platforms", ["linux/amd64", "arm64"]),
      `${file}: defaults.platforms.1`,
      /"arm64": must be a platform such as linux\/amd64/,
    ],
    [
      "several platforms where this program builds",
      set("images.platforms", ["linux/amd64", "linux/arm64"]),
      `${file}: images.platforms`,
      /\["linux\/amd64","linux\/arm64"\]: Pulumi's Docker provider builds for one platform.*set images\.source to registry/,
    ],
    [
      "a service of several platforms where this program builds",
      set("services.user.platforms", ["linux/amd64", "linux/arm64"]),
      `${file}: services.user.platforms`,
      /Pulumi's Docker provider builds for one platform.*let CI build/,
    ],
    ...[
      { organization: "acme/", hint: /"acme\/": is not a valid name/ },
      { organization: "/acme", hint: /"\/acme": is not a valid name/ },
      { organization: "acme//team", hint: /is not a valid name: lower case letters.*with '\/' between parts/ },
    ].map(({ organization, hint }): [string, (settings: Settings) => void, string, RegExp] => [
      `an organization ${organization}`,
      set("images.organization", organization),
      `${file}: images.organization`,
      hint,
    ]),
    [
      "an organization that begins with a host",
      set("images", { ...images, registry: "docker.io", organization: "europe-docker.pkg.dev/my-project/my-repo" }),
      `${file}: images.organization`,
      /begins with a host; set images\.registry to europe-docker\.pkg\.dev, and this to the rest/,
    ],
    [
      "deep names on Docker Hub",
      set("images", { ...images, registry: "docker.io", organization: "acme/team" }),
      `${file}: images.organization`,
      /"acme\/team": must be one part: Docker Hub has no deeper ones/,
    ],
    [
      "a project of Artifact Registry without a repository",
      set("images", { ...images, registry: "europe-docker.pkg.dev", organization: "my-project" }),
      `${file}: images.organization`,
      /"my-project": must be PROJECT\/REPOSITORY/,
    ],
    [
      "a password of ECR",
      set("images", { ...images, registry: "123456789012.dkr.ecr.eu-west-1.amazonaws.com" }),
      `${file}: images.login`,
      /must be own: a password of ECR holds for 12 hours, after which no pod could pull/,
    ],
    [
      "a user beside logins of their own",
      (settings) => {
        set("images", { ...images, login: "own" })(settings);
        remove("registryPassword")(settings);
      },
      `${file}: images.username`,
      /"acme-ci": has no effect beside images\.login own; remove one of them/,
    ],
    [
      "a password beside logins of their own",
      set("images", { ...images, login: "own", username: undefined }),
      `${file}: registryPassword`,
      /has no effect beside images\.login own; remove it/,
    ],
    [
      "an unknown way to log in",
      set("images.login", "none"),
      `${file}: images.login`,
      /"none": must be password or own/,
    ],
    [
      "no user that pushes",
      set("images", { ...images, username: undefined }),
      `${file}: images.username`,
      /missing; set it to the registry's user/,
    ],
    [
      "an organization id that is none",
      set("ci.organizationId", "acme"),
      `${file}: ci.organizationId`,
      /"acme": must be the UUID/,
    ],
    [
      "no organization id",
      set("ci.organizationId", undefined),
      `${file}: ci.organizationId`,
      /missing; must be the UUID/,
    ],
    ["a key of Tekton", set("ci.clusterContext", "ci"), `${file}: ci.clusterContext`, /"ci": is a setting of Tekton/],
    [
      "a secret that starts runs of Tekton",
      set("ci.incoming", { secret: "db-password" }),
      `${file}: ci.incoming`,
      /is a setting of Tekton, and ci.engine is another/,
    ],
    [
      "a schedule of Tekton that nothing starts",
      (settings) => (
        set("ci", { engine: "tekton", driftSchedule: "0 6 * * *" })(settings),
        set("circleciToken", undefined)(settings)
      ),
      `${file}: ci.incoming`,
      /must name the secret with which driftSchedule and resumeSchedule start runs/,
    ],
    [
      "a secret that starts runs of Tekton, and no schedule that does",
      (settings) => (
        set("ci", { engine: "tekton", incoming: { secret: "db-password" } })(settings),
        set("circleciToken", undefined)(settings)
      ),
      `${file}: ci.incoming`,
      /does nothing without ci.driftSchedule or ci.resumeSchedule/,
    ],
    [
      "a secret that starts runs of Tekton, and is not there",
      (settings) => (
        set("ci", { engine: "tekton", driftSchedule: "0 6 * * *", incoming: { secret: "incoming" } })(settings),
        set("circleciToken", undefined)(settings)
      ),
      `${file}: ci.incoming.secret`,
      /there is no secret "incoming"/,
    ],
    [
      "a schedule of Tekton that Kubernetes refuses",
      (settings) => (
        set("ci", { engine: "tekton", resumeSchedule: "0 6 * * 7", incoming: { secret: "db-password" } })(settings),
        set("circleciToken", undefined)(settings)
      ),
      `${file}: ci.resumeSchedule`,
      /"0 6 \* \* 7": its day of the week "7" is none: it takes 0 to 6/,
    ],
    [
      "a schedule of Travis CI",
      (settings) => (
        set("ci", { engine: "travis", driftSchedule: "0 6 * * *" })(settings),
        set("circleciToken", undefined)(settings)
      ),
      `${file}: ci.driftSchedule`,
      /does nothing at Travis CI, whose cron jobs are made in the settings of the repository there/,
    ],
    [
      "an engine that nobody knows",
      set("ci.engine", "jenkins"),
      `${file}: ci.engine`,
      /"jenkins": must be circleci, tekton or travis/,
    ],
    [
      "neither an own project nor its slug",
      set("owns.ciProject", false),
      `${file}: ci.projectSlug`,
      /missing; set it to the slug/,
    ],
    [
      "a repository by name",
      set("ci.repositoryId", "acme/shop"),
      `${file}: ci.repositoryId`,
      /must be GitHub's numeric id/,
    ],
    [
      "a drift schedule without a pipeline that it could start",
      (settings) => (set("ci.driftSchedule", "0 6 * * *")(settings), set("ci.repositoryId", undefined)(settings)),
      `${file}: ci.driftSchedule`,
      /needs the pipeline that a stack with owns.ciProject and ci.repositoryId declares/,
    ],
    [
      "a schedule of verifications without a pipeline that it could start",
      (settings) => (set("ci.resumeSchedule", "*/10 * * * *")(settings), set("ci.repositoryId", undefined)(settings)),
      `${file}: ci.resumeSchedule`,
      /needs the pipeline that a stack with owns.ciProject and ci.repositoryId declares/,
    ],
    [
      "deploys that no pipeline could roll back",
      (settings) => (set("ci.deployMarkers", true)(settings), set("ci.repositoryId", undefined)(settings)),
      `${file}: ci.deployMarkers`,
      /needs the pipeline that a stack with owns.ciProject and ci.repositoryId declares/,
    ],
    [
      "windows that nobody waits for",
      set("windows", [{ schedule: "0 9 * * 1-5", hours: 8 }]),
      `${file}: windows`,
      /has no effect: `pulumi up`, which releases with delivery direct, waits for no window/,
    ],
    [
      "a window that never opens",
      set("windows", [{ schedule: "0 9 31 2 *", hours: 8 }]),
      `${file}: windows.0.schedule`,
      /never comes: none of its months has such a day/,
    ],
    [
      "a window in no time zone",
      set("windows", [{ schedule: "0 9 * * *", timeZone: "Berlin", hours: 8 }]),
      `${file}: windows.0.timeZone`,
      /is no time zone; write one of the IANA database/,
    ],
    ["no window at all", set("windows", []), `${file}: windows`, /nothing could ever be released/],
    [
      "a freeze that ends before it begins",
      set("freeze", { reason: "Christmas", from: "2026-12-27T00:00:00Z", until: "2026-12-20T00:00:00Z" }),
      `${file}: freeze.until`,
      /is not after `from`: it would freeze nothing/,
    ],
    [
      "a freeze without a time zone",
      set("freeze", { reason: "Christmas", until: "2026-12-27T00:00:00" }),
      `${file}: freeze.until`,
      /must be a time with its zone/,
    ],
    [
      "a check that could be of two kinds",
      set("verify.checks", [{ http: { path: "/", url: "https://shop.example" } }]),
      `${file}: verify.checks.0.http.path`,
      /must be there where no `url` is, and only there/,
    ],
    [
      "a metric that any number satisfies",
      set("verify.checks", [{ metrics: { server: "http://prometheus:9090", query: "up" } }]),
      `${file}: verify.checks.0.metrics.max`,
      /must be there, or `min`: any number would be good without/,
    ],
    [
      "a context variable of a missing secret",
      set("ci.environment", { KEY: "no-such" }),
      `${file}: ci.environment.KEY`,
      /no secret "no-such"; set it with `pulumi config set --secret/,
    ],
    [
      "a login for pulls with a missing secret",
      set("images.pull", { username: "reader", password: "no-such" }),
      `${file}: images.pull.password`,
      /no secret "no-such"; set it with `pulumi config set --secret/,
    ],
    [
      "a login for pulls from a URL",
      set("images.pull", { registry: "https://ghcr.io", username: "reader", password: "no-such" }),
      `${file}: images.pull.registry`,
      /must be a host such as ghcr.io/,
    ],
    ["an API host that is no URL", set("ci.host", "circleci"), `${file}: ci.host`, /must be a URL/],
    ["a Gateway that is only named", set("cluster.gateway", "public"), `${file}: cluster.gateway`, /must be a map/],
    ...(["name", "namespace", "domain"] as const).map((key): [string, (settings: Settings) => void, string, RegExp] => [
      `a Gateway without its ${key}`,
      set("cluster.gateway", { name: "a", namespace: "b", domain: "c", [key]: undefined }),
      `${file}: cluster.gateway.${key}`,
      /missing; set it to the /,
    ]),
    [
      "a domain with a port",
      set("cluster.gateway", { name: "a", namespace: "b", domain: "shop.example:8443" }),
      `${file}: cluster.gateway.domain`,
      /"shop.example:8443": is no domain: lower case letters, digits, '-' and '.', such as dev.acme.example, without port/,
    ],
    [
      "a name that no Gateway has",
      set("cluster.gateway", { name: "My Gateway", namespace: "b", domain: "c" }),
      `${file}: cluster.gateway.name`,
      /"My Gateway": is not a Kubernetes name/,
    ],
    [
      "a scheme that no Gateway has",
      set("cluster.gateway", { name: "a", namespace: "b", domain: "c", scheme: "tcp" }),
      `${file}: cluster.gateway.scheme`,
      /"tcp": must be http or https/,
    ],
    [
      "a Gateway beside an ingress",
      set("cluster", {
        ingress: { className: "traefik", domain: "c", namespace: "b" },
        gateway: { name: "a", namespace: "b", domain: "c" },
      }),
      `${file}: cluster.gateway`,
      /cluster.ingress is set, too, and a service is reached by one of them; remove the other/,
    ],
    [
      "a namespace that is no name",
      set("cluster.namespace", "My_Shop"),
      `${file}: cluster.namespace`,
      /"My_Shop": is not a Kubernetes name/,
    ],
    ["an unknown way of delivery", set("delivery", "push"), `${file}: delivery`, /"push": must be gitops or direct/],
    [
      "delivery gitops without a deploy repository",
      (settings) => (remove("delivery")(settings), remove("gitops")(settings)),
      `${file}: gitops`,
      /missing; set gitops.repository to the deploy repository/,
    ],
    [
      "a deploy repository with a password in its URL",
      set("gitops.repository", "https://me:pw@github.com/acme/deploy.git"),
      `${file}: gitops.repository`,
      /must be an https or ssh URL without a password/,
    ],
    [
      "environments for the pull requests of an unknown repository",
      (settings) => (set("gitops.previews", {})(settings), remove("github")(settings)),
      `${file}: github.repository`,
      /missing; gitops.previews needs it: set it to the monorepo on GitHub/,
    ],
    [
      "a version that is a number",
      set("gitops.argoCd", { version: 3 }),
      `${file}: gitops.argoCd.version`,
      /3: must be a version; quote it/,
    ],
    [
      "a version with a v",
      set("gitops.argoCd", { version: "v3.6.1" }),
      `${file}: gitops.argoCd.version`,
      /"v3.6.1": must be a version such as 3.6.1, without v/,
    ],
    [
      "the version of the chart, as it was once set",
      set("gitops.argoCd", { chartVersion: "10.1.1" }),
      `${file}: gitops.argoCd.chartVersion`,
      /unknown key; version 2 calls it gitops.argoCd.version, which is Argo CD's own version, e.g. 3.4.4 for 10.1.1/,
    ],
    [
      "the version of Image Updater's chart, as it was once set",
      set("gitops.imageUpdaterChartVersion", "1.2.4"),
      `${file}: gitops.imageUpdaterChartVersion`,
      /unknown key; version 2 calls it gitops.imageUpdater.version, which is Image Updater's own version/,
    ],
    [
      "a version next to a copy of another release",
      set("gitops.argoCd", { version: "3.6.1", manifests: "install.yaml" }),
      `${file}: gitops.argoCd.version`,
      /"3.6.1": has no effect beside gitops.argoCd.manifests, whose release is installed; remove one of them/,
    ],
    [
      "a copy of a release at a URL with a password",
      set("gitops.argoCd", { manifests: "https://me:pw@mirror.acme.example/install.yaml" }),
      `${file}: gitops.argoCd.manifests`,
      /must be an http\(s\) URL without a password, or a path/,
    ],
    [
      "a copy of a release that is not there",
      (settings) => (remove("delivery")(settings), set("gitops.argoCd", { manifests: "no/such.yaml" })(settings)),
      `${file}: gitops.argoCd.manifests`,
      /"no\/such.yaml": ENOENT.*; set it to a copy of Argo CD's install.yaml: a URL, or a file relative to this program/,
    ],
    [
      "a dependency of no kind",
      set("dependencies.db", "yes"),
      `${file}: dependencies.db`,
      /must be none, \{address\}.*or \{image, port\}/,
    ],
    [
      "a dependency at no port",
      set("dependencies.db", { address: "db.internal" }),
      `${file}: dependencies.db.address`,
      /"db.internal": must be host:port/,
    ],
    [
      "a dependency with a missing secret",
      set("dependencies.db", { address: "db:5432", password: "no-such" }),
      `${file}: dependencies.db.password`,
      /no secret "no-such"/,
    ],
    [
      "a dependency named like a service",
      set("dependencies.link", "none"),
      `${file}: dependencies.link`,
      /a service has that name too/,
    ],
    [
      "settings of a service that is not there",
      set("services.linkk", { replicas: 2 }),
      `${file}: services.linkk`,
      /no such service; there are link, user/,
    ],
    [
      "negative replicas",
      set("services.link", { replicas: -1 }),
      `${file}: services.link.replicas`,
      /-1: must not be negative/,
    ],
    [
      "migrations whose result CI cannot ask for",
      (settings) => {
        set("delivery", "gitops")(settings);
        set("owns.argoCd", false)(settings);
        set("services.link.migrations", { command: ["/app", "migrate"] })(settings);
      },
      `${file}: services.link.migrations`,
      /CI asks the cluster whether they have succeeded .* set ci\.environment\.DELIVERY_KUBECONFIG of stacks/,
    ],
    [
      "a quantity that is none",
      set("defaults.resources", { limits: { memory: "64 MB" } }),
      `${file}: defaults.resources.limits.memory`,
      /"64 MB": must be a Kubernetes quantity/,
    ],
    [
      "a glob that leads out of the monorepo",
      set("defaults", { paths: ["proto/**", "../x"] }),
      `${file}: defaults.paths.1`,
      /"\.\.\/x": must be a glob from the root of the monorepo/,
    ],
    [
      "no registry password",
      remove("registryPassword"),
      `${file}: registryPassword`,
      /missing; .*pulumi config set --secret registryPassword/,
    ],
    [
      "no CircleCI token",
      remove("circleciToken"),
      `${file}: circleciToken`,
      /missing; .*pulumi config set --secret circleciToken/,
    ],
    ["an empty secret", set("circleciToken", ""), `${file}: circleciToken`, /must not be empty/],
  ])("%s", async (_what, change, location, hint) => {
    const message = await rejection(change);
    expect(message).toContain("1 problem; nothing was changed");
    const line = message.split("\n").find((text) => text.includes(`${location}: `));
    expect(line).toMatch(hint);
  });

  test("a secret in plain text is refused, and not shown", async () => {
    const message = await rejection(() => {}, true);
    expect(message).toContain(`${file}: registryPassword: is in plain text`);
    expect(message).toContain(`${file}: secrets: is in plain text`);
  });

  // The engine says of a section that there is a secret in it, and not which of its values that is.
  test.each([
    ["services", { link: { env: { API_KEY: "secret-key" } } }],
    ["services", { link: { test: { env: { API_KEY: "secret-key" } } } }],
    ["services", { link: { egress: [{ cidr: "secret-cidr", port: 443 }] } }],
    ["services", "secret-text"],
    ["defaults", { env: { API_KEY: "secret-key" } }],
    ["dependencies", { db: { image: "postgres", port: 5432, env: { POSTGRES_PASSWORD: "secret-password" } } }],
    ["dependencies", { db: { image: "secret-image", port: "secret-port" } }],
    ["promotion", { from: "dev", test: "curl -H secret-header" }],
    ["ci", { organizationId: "secret-id" }],
    ["environment", "secret-environment"],
    ["gitops", { repository: "https://secret-user@example.com/deploy.git" }],
  ])("a secret in the plain setting %s is refused, and not shown: %j", async (key, value) => {
    const message = await rejection(set(key, value), false, [`delivery:${key}`]);
    expect(message).toMatch(
      new RegExp(
        `${file}: ${key}: is a secret, .* set it with \`pulumi config set --secret --path 'secrets\\.<name>'\``,
      ),
    );
  });

  // What Pulumi 3.258.0 makes of 2024-01-01, 2024-01-01T10:00:00.5+02:00.
  test.each(["2024-01-01 00:00:00 +0000 UTC", "2024-01-01 10:00:00.5 +0200 +0200"])(
    "a date without quotes, which the engine passes on as %s, is refused",
    async (date) => {
      expect(await rejection(set("services.link.env", { SINCE: date }))).toMatch(
        new RegExp(
          `^1 problem; .*\\n  ${file}: services.link.env.SINCE: ".*": a date without quotes, which Pulumi has rewritten; put`,
        ),
      );
    },
  );

  test.each([
    ["services.link.env.GREETING", "a\u2028b", "U\\+2028"],
    ["services.link.env.GREETING", "a\u0085", "U\\+0085"],
    ["defaults.env.GREETING", "\u007f", "U\\+007F"],
    ["defaults.env.GREETING", "\0", "U\\+0000"],
    ["defaults.env.GREETING", "\ud83c", "U\\+D83C"],
    ["services.link.expose.host", "shop\u0080.example", "U\\+0080"],
    ["dependencies.db", { image: "postgres", port: 5432, env: { A: "\uffff" } }, "U\\+FFFF"],
  ])("a character that does not reach the cluster is refused: in %s %j", async (path, value, code) => {
    const place = typeof value === "string" ? path : `${path}.env.A`;
    expect(await rejection(set(path, value))).toMatch(
      new RegExp(`^1 problem; .*\\n  ${file}: ${place}: holds the character ${code}, which is lost on the way`),
    );
  });

  // What a service says can stand in three places, and the message names the one where it does.
  test.each<[what: string, change: (settings: Settings) => void, location: string, hint: RegExp]>([
    ["peers that are none", set("services.user.peers", ["x"]), `${file}: services.user.peers`, /"x" is no service/],
    ["unknown peers of all services", set("defaults.peers", ["x"]), `${file}: defaults.peers`, /"x" is no service/],
    [
      "one variable for two peers",
      set("services.link.peers", { user: "ADDR", link: "ADDR" }),
      `${file}: services.link.peers`,
      /ADDR is to hold the addresses of the peer user and the peer link; give each a variable of its own$/,
    ],
    [
      "a choice where nobody is asked",
      set("promotion", { from: "dev", choices: ["take-back"] }),
      `${file}: promotion.choices`,
      /does nothing unless `approval` is true; set that, too$/,
    ],
    [
      "a hold that keeps nothing back",
      set("promotion", { from: "dev", approval: true, choices: ["hold", "take-back"] }),
      `${file}: promotion.choices`,
      /has hold, which keeps nothing back unless `holds` is true; set that, too$/,
    ],
    [
      "a choice twice",
      set("promotion", { from: "dev", approval: true, holds: true, choices: ["hold", "hold"] }),
      `${file}: promotion.choices`,
      /names a choice twice$/,
    ],
    [
      "copies of what is signed nobody knows where",
      (settings) => {
        set("promotion", { from: "dev", copyImages: true })(settings);
        set("images.signing", { publicKeys: [keyPair().publicPem], verify: "signed" })(settings);
      },
      `${file}: images.signing.origin`,
      /missing; promotion\.copyImages has .* Where they are there already, remove promotion\.copyImages; else .* set this to that registry/,
    ],
    [
      "copies of what is there",
      (settings) => {
        set("promotion", { from: "dev", copyImages: true })(settings);
        set("images.signing", { publicKeys: [keyPair().publicPem], origin: "docker.io/acme" })(settings);
        set("images.organization", "acme")(settings);
        set("images.registry", "docker.io")(settings);
      },
      `${file}: promotion.copyImages`,
      /has nothing to copy: images\.signing\.origin is docker\.io\/acme/,
    ],
    [
      "a missing secret of one service",
      set("services.user.secrets", { KEY: "no-such" }),
      `${file}: services.user.secrets.KEY`,
      /no secret "no-such"/,
    ],
    [
      "a missing secret of all services",
      set("defaults.secrets", { KEY: "no-such" }),
      `${file}: defaults.secrets.KEY`,
      /no secret "no-such"/,
    ],
    [
      "an unknown dependency",
      set("services.user.dependencies", { mq: { address: "MQ" } }),
      `${file}: services.user.dependencies.mq`,
      /says nothing of it/,
    ],
    [
      "a request above its limit",
      set("services.user.resources", { requests: { memory: "2Gi" }, limits: { memory: "1Gi" } }),
      `${file}: services.user.resources.requests.memory`,
      /2Gi is above the limit of 1Gi \(.*services\.user\.resources\.limits\.memory\)/,
    ],
    [
      "a service that is not there",
      set("services.usr", {}),
      `${file}: services.usr`,
      /there is no such service; there are link, user; one that app.services does not find says its `dockerfile` here/,
    ],
    [
      "a secret of builds that no Dockerfile mounts",
      set("defaults.build", { secrets: { npm_token: "db-password" } }),
      `${file}: defaults.build.secrets.npm_token`,
      /has no effect: no service's Dockerfile has `--mount=type=secret,id=npm_token`/,
    ],
    [
      "a secret of a build that its Dockerfile does not mount",
      set("services.user.build", { secrets: { npm_token: "db-password" } }),
      `${file}: services.user.build.secrets.npm_token`,
      /has no effect on user: no step of .*Dockerfile has `--mount=type=secret,id=npm_token`; add that, or remove it/,
    ],
    [
      "an id of a build's secret with a comma",
      set("services.user.build", { secrets: { "a,b": "db-password" } }),
      `${file}: services.user.build.secrets.a,b`,
      /"a,b": is not the id of a build's secret: letters/,
    ],
    [
      "a build's secret without a name",
      set("services.user.build", { secrets: { a: "" } }),
      `${file}: services.user.build.secrets.a`,
      /"": must be the name of a secret of the stack/,
    ],
    [
      "a variable of CI that is for secrets of builds",
      set("ci.environment", { DELIVERY_BUILD_SECRET_X: "db-password" }),
      `${file}: ci.environment.DELIVERY_BUILD_SECRET_X`,
      /is a variable that holds what `build\.secrets` of services name; remove it/,
    ],
    ["a name of all services", set("defaults.name", "x"), `${file}: defaults.name`, /"x": is the name of one service/],
    [
      "a stage of all services",
      set("defaults.target", "web"),
      `${file}: defaults.target`,
      /"web": .*Dockerfile has no such stage/,
    ],
    [
      "a build argument of all services that none takes",
      set("defaults.buildArgs", { A: "x" }),
      `${file}: defaults.buildArgs.A`,
      /has no effect: no service's Dockerfile has `ARG A`/,
    ],
    [
      "a Dockerfile of the stack that is not there",
      set("services.cart", { dockerfile: "src/Dockerfile" }),
      `${file}: services.cart.dockerfile`,
      /"src\/Dockerfile": there is no such file in the monorepo/,
    ],
    [
      "a name that another has",
      set("services.user.name", "link"),
      `svc/user_service`,
      /is named "link" like .*link_service; rename one of them/,
    ],
    [
      "a schedule on a branch that nothing tells",
      (settings) => {
        set("ci.driftSchedule", "0 6 * * *")(settings);
        set("ci.repositoryId", "42")(settings);
      },
      `${file}: ci.driftSchedule`,
      /which branch is delivered is not known: .* has no remote origin, and is on no branch; set github.branch/,
    ],
    ["a port that is none", set("services.user.port", 0), `${file}: services.user.port`, /a port is 1 to 65535/],
    [
      "verification where nothing could be taken back",
      set("verify", { minutes: 5 }),
      `${file}: verify`,
      /taken back by a commit to the deploy repository, and with delivery direct there is none/,
    ],
    [
      "verification that CI could not see",
      (settings) => (set("verify", {})(settings), set("delivery", "gitops")(settings)),
      `${file}: verify`,
      /CI asks the cluster what runs, and cannot; set ci.environment.DELIVERY_KUBECONFIG/,
    ],
    [
      "what a service has to prove where nothing has to",
      set("services.user.verify", { minutes: 5 }),
      `${file}: services.user.verify`,
      /has no effect, since nothing has to prove itself in this environment; set `verify` there, too/,
    ],
    [
      "what CI is to run before an image that the program builds",
      set("services.user.build", { prepare: "make" }),
      `${file}: services.user.build.prepare`,
      /is run by CI and `delivery build`, and not by this program, .* set images.source in stacks\/.* to registry/,
    ],
  ])("%s", async (_what, change, location, hint) => {
    const message = await rejection(change);
    expect(message.split("\n").find((text) => text.includes(`${location}: `))).toMatch(hint);
    expect(message).not.toContain("user_service/service.yaml");
  });

  test("one of an earlier version is told all keys to rename, and nothing else", async () => {
    write("svc/user_service/service.yaml", "test: { beside: [] }\nport: none\n");
    const message = await rejection((settings) => {
      set("schemaVersion", 1)(settings);
      set("services.link.test.beside", [])(settings);
      set("images.tag", 1)(settings);
    });
    expect(message.split("\n")).toEqual([
      "3 problems; nothing was changed",
      `  ${file}: schemaVersion: 1: this program reads version 2; set it to 2: rename these keys, too`,
      `  ${file}: services.link.test.beside: unknown key; version 2 calls it services.link.test.services`,
      `  ${app}/svc/user_service/service.yaml: test.beside: unknown key; version 2 calls it test.services`,
    ]);
  });

  test("all problems are reported together", async () => {
    const message = await rejection((settings) => {
      set("images.tag", 1)(settings);
      set("owns.ciProject", "yes")(settings);
      remove("circleciToken")(settings);
    });
    expect(message).toContain("3 problems");
  });
});

describe("an invalid service gets one clear error and declares nothing", () => {
  const link = (path: string): string => join(app, "svc/link_service", path);
  test.each<[what: string, files: Record<string, string>, location: () => string, hint: RegExp]>([
    [
      "a secret as Pulumi encrypts it",
      { "svc/link_service/service.yaml": "env: { API_KEY: { secure: v1:x } }\n" },
      () => `${link("service.yaml")}: env.API_KEY`,
      /is a secret, .*--path 'secrets\.<name>'`, and write that name into secrets\.API_KEY$/,
    ],
    [
      "a service.yaml without a Dockerfile",
      { "svc/news_service/service.yaml": "replicas: 1\n" },
      () => join(app, "svc/news_service/service.yaml"),
      /no Dockerfile beside it; add one/,
    ],
    [
      "two services of one name",
      { "svc/link-service/Dockerfile": "FROM scratch\nEXPOSE 1\n" },
      () => join(app, "svc/link_service"),
      /is named "link" like .*link-service; rename one/,
    ],
    [
      "another kind",
      { "svc/link_service/service.yaml": "kind: daemon\n" },
      () => `${link("service.yaml")}: kind`,
      /"daemon": must be server, worker, cron or job/,
    ],
    ...(
      [
        ["at a port that it has not", "{ port: web }", "port", /"web": is no port over TCP; there are grpc$/],
        ["at a port over UDP", "{ port: dns }", "port", /"dns": is no port over TCP; there are grpc$/],
        [
          "at paths of gRPC",
          "{ path: /v1 }",
          "path",
          /"\/v1": has no effect on gRPC, whose paths are its services and methods/,
        ],
        [
          "at a host with a port",
          '{ host: "shop.example:80" }',
          "host",
          /"shop.example:80": is no host: .*without port/,
        ],
        ["at a host in capitals", "{ host: Shop.example }", "host", /"Shop.example": is no host: lower case letters/],
      ] as const
    ).map(([what, expose, key, hint]): [string, Record<string, string>, () => string, RegExp] => [
      `a service exposed ${what}`,
      {
        "svc/link_service/service.yaml": `ports: { grpc: { port: 1, protocol: gRPC }, dns: { port: 53, protocol: UDP } }\nprobes: { liveness: grpc, readiness: grpc }\nexpose: ${expose}\n`,
      },
      () => `${link("service.yaml")}: expose.${key}`,
      hint,
    ]),
    ...(
      [
        ["a port", "port: 1", "port"],
        ["a way in", "expose: true", "expose"],
        ["a probe", "probes: { readiness: /readyz }", "probes.readiness"],
      ] as const
    ).map(([what, text, key]): [string, Record<string, string>, () => string, RegExp] => [
      `a worker with ${what}`,
      { "svc/link_service/service.yaml": `kind: worker\n${text}\n` },
      () => `${link("service.yaml")}: ${key}`,
      /has no effect on a worker, which nobody reaches at a port; remove it, or set `kind` to server/,
    ]),
    [
      "a probe of a service without a port",
      {
        "svc/link_service/Dockerfile": "FROM scratch\n",
        "svc/link_service/service.yaml": "probes: { liveness: /healthz }\n",
      },
      () => `${link("service.yaml")}: probes.liveness`,
      /needs a port, and .*link_service\/Dockerfile has no EXPOSE with a number; add one, or set `port`/,
    ],
    [
      "a peer that is a worker",
      { "svc/user_service/Dockerfile": "FROM scratch\n" },
      () => `${link("service.yaml")}: peers`,
      /"user" is a worker, which nobody can call; remove it, or give user a port/,
    ],
    [
      "no EXPOSE",
      { "svc/link_service/Dockerfile": "FROM scratch\n", "svc/link_service/service.yaml": "kind: server\n" },
      () => link("Dockerfile"),
      /no EXPOSE with a number; add one, or set `port`/,
    ],
    [
      "EXPOSE of an impossible port",
      { "svc/link_service/Dockerfile": "FROM scratch\nEXPOSE 70700\n" },
      () => link("Dockerfile"),
      /EXPOSE 70700: a port is 1 to 65535/,
    ],
    [
      "an invalid port",
      { "svc/link_service/service.yaml": "port: 0\n" },
      () => `${link("service.yaml")}: port`,
      /0: a port is 1 to 65535/,
    ],
    [
      "a key of an earlier version",
      { "svc/link_service/service.yaml": "test: { beside: [] }\n" },
      () => `${link("service.yaml")}: test.beside`,
      /unknown key; version 2 calls it test\.services/,
    ],
    ...(
      [
        ["a name in capitals", "name: Link", "name", /"Link": must be lower case letters, digits and '-'/],
        [
          "a Dockerfile outside",
          "dockerfile: ../Dockerfile",
          "dockerfile",
          /must be a path from the root .* not lead out/,
        ],
        ["a Dockerfile of the machine", "dockerfile: /Dockerfile", "dockerfile", /must be a path from the root/],
        [
          "a Dockerfile that counts from the service",
          "dockerfile: Dockerfile",
          "dockerfile",
          /"Dockerfile": there is no such file in the monorepo at .*; it counts from there: write svc\/link_service\/Dockerfile$/,
        ],
        [
          "a Dockerfile that is not there",
          "dockerfile: x",
          "dockerfile",
          /no such file .*; correct the path, which counts/,
        ],
        ["a Dockerfile that is a directory", "dockerfile: svc", "dockerfile", /"svc": there is no such file/],
        ["a context that is not there", "context: x", "context", /"x": there is no such directory in the monorepo/],
        ["a context that is a file", "context: svc/link_service/Dockerfile", "context", /there is no such directory/],
        ["a context on a server", "context: https://x.example/y.git", "context", /there is no such directory/],
        [
          "a stage that is not there",
          "target: web",
          "target",
          /"web": .*link_service\/Dockerfile has no such stage; it names none/,
        ],
        ["a stage with blanks", "target: a b", "target", /"a b": is not the name of a stage/],
        [
          "a build argument that nobody takes",
          "buildArgs: { A: x }",
          "buildArgs.A",
          /has no effect on link: .*link_service\/Dockerfile has no `ARG A`; add that, or remove it here/,
        ],
        ["a build argument that is a number", "buildArgs: { A: 1 }", "buildArgs.A", /1: must be a string; quote it/],
        [
          "a build argument with a blank",
          "buildArgs: { 'A B': x }",
          "buildArgs.A B",
          /[Ii]s not the name of an environment/,
        ],
      ] as const
    ).map(([what, text, key, hint]): [string, Record<string, string>, () => string, RegExp] => [
      what,
      { "svc/link_service/service.yaml": `${text}\n` },
      () => `${link("service.yaml")}: ${key}`,
      hint,
    ]),
    [
      "a stage among others",
      {
        "svc/link_service/Dockerfile": "FROM x AS api\nFROM x AS web\nEXPOSE 1\n",
        "svc/link_service/service.yaml": "port: 1\ntarget: wb\n",
      },
      () => `${link("service.yaml")}: target`,
      /"wb": .* has no such stage; it has api, web$/,
    ],
    [
      "a port in words",
      { "svc/link_service/service.yaml": "port: http\n" },
      () => `${link("service.yaml")}: port`,
      /"http": must be a whole number/,
    ],
    ...[
      { prepare: `""`, at: "", hint: /"": must be a command such as mvn package, or \{command, image\}/ },
      { prepare: "[mvn, package]", at: "", hint: /\["mvn","package"\]: must be a command such as/ },
      { prepare: "{ image: openjdk }", at: ".command", hint: /missing; must be a command/ },
      { prepare: "{ command: ' ' }", at: ".command", hint: /" ": must be a command/ },
      {
        prepare: "{ command: mvn, image: my openjdk }",
        at: ".image",
        hint: /"my openjdk": must be an image such as cimg/,
      },
      { prepare: "{ command: mvn, outputs: [] }", at: ".outputs", hint: /unknown key/ },
    ].map(({ prepare, at, hint }): [string, Record<string, string>, () => string, RegExp] => [
      `a command before the image that is ${prepare}`,
      { "svc/link_service/service.yaml": `build: { prepare: ${prepare} }\n` },
      () => `${link("service.yaml")}: build.prepare${at}`,
      hint,
    ]),
    ...[
      { test: "false", at: "", hint: /false: must be none, or \{command, image, env, services\}/ },
      { test: "never", at: "", hint: /"never": must be none, or/ },
      { test: "{ image: 'my rust' }", at: ".image", hint: /"my rust": must be an image such as cimg\/rust:1\.80/ },
      { test: "{ command: '' }", at: ".command", hint: /"": must be a command/ },
      { test: "{ none: true }", at: ".none", hint: /unknown key/ },
    ].map(({ test: said, at, hint }): [string, Record<string, string>, () => string, RegExp] => [
      `tests that are ${said}`,
      { "svc/link_service/service.yaml": `test: ${said}\n` },
      () => `${link("service.yaml")}: test${at}`,
      hint,
    ]),
    [
      "a name too long for Kubernetes",
      { [`svc/${"a".repeat(64)}/Dockerfile`]: "FROM scratch\nEXPOSE 1\n" },
      () => join(app, "svc", "a".repeat(64)),
      /has 64 characters; Kubernetes takes at most 63/,
    ],
    [
      "a name with capitals",
      { "svc/Link/Dockerfile": "FROM scratch\nEXPOSE 1\n" },
      () => join(app, "svc/Link"),
      /"Link" is not a Kubernetes name.*rename the directory/,
    ],
    [
      "a malformed service.yaml",
      { "svc/link_service/service.yaml": "peers: [user\n" },
      () => link("service.yaml"),
      /is not YAML: .*line/,
    ],
    [
      "an alias in service.yaml that nothing stands for",
      { "svc/link_service/service.yaml": "env: *x\n" },
      () => link("service.yaml"),
      /is not YAML: Unresolved alias .*: x$/,
    ],
    [
      "a service.yaml that is a directory",
      { "svc/user_service/service.yaml/port": "7070\n" },
      () => join(app, "svc/user_service/service.yaml"),
      /is no file; put one in its place/,
    ],
    [
      "a Dockerfile that is a directory",
      { "svc/news_service/Dockerfile/prod": "FROM scratch\n", "svc/news_service/service.yaml": "port: 7070\n" },
      () => join(app, "svc/news_service/Dockerfile"),
      /is no file; put one in its place/,
    ],
    [
      "a service.yaml of another name",
      { "svc/user_service/service.yml": "replicas: 2\n" },
      () => join(app, "svc/user_service/service.yml"),
      /is not read; call it service\.yaml, or something else/,
    ],
    [
      "a service.yaml that is a list",
      { "svc/link_service/service.yaml": "- port\n" },
      () => link("service.yaml"),
      /must be a map/,
    ],
    [
      "an unknown key in service.yaml",
      { "svc/link_service/service.yaml": "replica: 2\n" },
      () => `${link("service.yaml")}: replica`,
      /unknown key/,
    ],
    [
      "a variable that is a number",
      { "svc/link_service/service.yaml": "env: { SIZE: 3 }\n" },
      () => `${link("service.yaml")}: env.SIZE`,
      /3: must be a string; quote it/,
    ],
    ...[
      { pattern: "/proto", hint: /"\/proto": must be a glob from the root of the monorepo, such as proto/ },
      { pattern: "proto/../x", hint: /"proto\/\.\.\/x": must be a glob .* without '\.' and '\.\.'/ },
      { pattern: ".", hint: /"\.": must be a glob from the root/ },
      { pattern: "!x/**", hint: /"!x\/\*\*": must not begin with '!': .* none takes anything out/ },
      { pattern: "[z-a]/x", hint: /"\[z-a\]\/x": has a range in \[\] that ends before it begins; turn it round/ },
    ].map(({ pattern, hint }): [string, Record<string, string>, () => string, RegExp] => [
      `paths with ${pattern}`,
      { "svc/link_service/service.yaml": `paths: ["./a/[a-z0-9]*/{b,c}", "${pattern}"]\n` },
      () => `${link("service.yaml")}: paths.1`,
      hint,
    ]),
    [
      "a peer that is not there",
      { "svc/link_service/service.yaml": "peers: [usr]\n" },
      () => `${link("service.yaml")}: peers`,
      /"usr" is no service; there are link, user/,
    ],
    [
      "a map with a peer that is not there",
      { "svc/link_service/service.yaml": "peers: { usr: USER_ADDR }\n" },
      () => `${link("service.yaml")}: peers`,
      /"usr" is no service; there are link, user/,
    ],
    [
      "peers that are neither list nor map",
      { "svc/link_service/service.yaml": "peers: user\n" },
      () => `${link("service.yaml")}: peers`,
      /"user": must be a list of service names, or a map of service name and variable, such as \{cart: CART_ADDR\}/,
    ],
    [
      "a peer's variable that is none",
      { "svc/link_service/service.yaml": "peers: { user: USER-ADDR }\n" },
      () => `${link("service.yaml")}: peers.user`,
      /"USER-ADDR": is not the name of an environment variable/,
    ],
    [
      "a peer without a variable",
      { "svc/link_service/service.yaml": "peers: { user: { form: url } }\n" },
      () => `${link("service.yaml")}: peers.user.variable`,
      /missing; set it to the name of an environment variable/,
    ],
    [
      "a peer's variable of another kind",
      { "svc/link_service/service.yaml": "peers: { user: 5 }\n" },
      () => `${link("service.yaml")}: peers.user`,
      /5: must be the name of an environment variable, \{variable, form\}, or a list of these/,
    ],
    [
      "a form of addresses that is none",
      { "svc/link_service/service.yaml": "peers: { user: [{ variable: USER, form: uri }] }\n" },
      () => `${link("service.yaml")}: peers.user.0.form`,
      /"uri": must be url, host:port or host/,
    ],
    [
      "a secret that the stack has not",
      { "svc/link_service/service.yaml": "secrets: { KEY: no-such }\n" },
      () => `${link("service.yaml")}: secrets.KEY`,
      /no secret "no-such"; set it with `pulumi config set --secret/,
    ],
    [
      "a dependency that the stack has not",
      { "svc/link_service/service.yaml": "dependencies: { db: { address: DB } }\n" },
      () => `${link("service.yaml")}: dependencies.db`,
      /says nothing of it; add it to `dependencies`/,
    ],
    [
      "autoscaling upside down",
      { "svc/link_service/service.yaml": "autoscaling: { min: 3, max: 2 }\n" },
      () => `${link("service.yaml")}: autoscaling`,
      /needs min <= max/,
    ],
    ...(
      [
        ["{}", ".command", /missing/],
        ["migrate", "", /"migrate": must be \{command: \[\/app, migrate\]\}/],
        [
          "{ command: /app migrate }",
          ".command",
          /"\/app migrate": must be a list such as \[\/app, migrate\]: there may be no/,
        ],
        ["{ command: [] }", ".command", /must name a program/],
        ["{ command: [/app, 1] }", ".command.1", /1: must be a string; quote it/],
        ["{ command: [x], activeDeadlineSeconds: 0 }", ".activeDeadlineSeconds", /0: must be at least 1/],
        [
          "{ command: [x], activeDeadlineSeconds: 10m }",
          ".activeDeadlineSeconds",
          /"10m": must be a whole number of sec/,
        ],
        [
          "{ command: [x], activeDeadlineSeconds: 90000 }",
          ".activeDeadlineSeconds",
          /90000: must be at most 86400, a day/,
        ],
        ["{ command: [x], contract: yes please }", ".contract", /"yes please": must be true or false/],
        ["{ command: [x], timeout: 5 }", ".timeout", /unknown key/],
      ] as const
    ).map(([migrations, key, hint]): [string, Record<string, string>, () => string, RegExp] => [
      `migrations that are ${migrations}`,
      { "svc/link_service/service.yaml": `migrations: ${migrations}\n` },
      () => `${link("service.yaml")}: migrations${key}`,
      hint,
    ]),
    [
      "migrations that would be called like another service",
      {
        "svc/link_service/service.yaml": "migrations: { command: [x] }\n",
        "svc/link_migration/Dockerfile": "FROM scratch\nEXPOSE 1\n",
      },
      () => `${link("service.yaml")}: migrations`,
      /what belongs to them is called "link-migration", as the service .*svc\/link_migration is; rename one/,
    ],
    [
      "migrations of a service with a long name",
      {
        [`svc/${"l".repeat(40)}/Dockerfile`]: "FROM scratch\nEXPOSE 1\n",
        [`svc/${"l".repeat(40)}/service.yaml`]: "migrations: { command: [x] }\n",
      },
      () => `${join(app, "svc", "l".repeat(40), "service.yaml")}: migrations`,
      /the name "l{40}" has 40 characters; with migrations it may have 39, since their Jobs are named after it/,
    ],
    [
      "running as root",
      { "svc/link_service/service.yaml": "user: 0\n" },
      () => `${link("service.yaml")}: user`,
      /0: pods do not run as root/,
    ],
    [
      "a probe that is no path",
      { "svc/link_service/service.yaml": "probes: { liveness: healthz }\n" },
      () => `${link("service.yaml")}: probes.liveness`,
      /"healthz": must be a path such as \/healthz, tcp, grpc or none/,
    ],
  ])("%s", async (_what, files, location, hint) => {
    for (const [path, content] of Object.entries(files)) write(path, content);
    const message = await rejection(() => {});
    expect(message).toContain("1 problem; nothing was changed");
    const line = message.split("\n").find((text) => text.includes(`${location()}: `));
    expect(line).toMatch(hint);
  });
});

describe("a setting that its service's kind or its volumes cannot have gets one clear error", () => {
  const cron = { kind: "cron", schedule: "@daily" };
  const data = { path: "/data", size: "1Gi" };
  const at = (key: string): string => `${file}: services.tool.${key}`;
  beforeEach(() => write("svc/tool/Dockerfile", "FROM scratch\n"));

  test.each<[what: string, settings: Settings, location: string, hint: RegExp]>([
    ["an unknown kind", { kind: "cronjob" }, "kind", /"cronjob": must be server, worker, cron or job$/],
    [
      "a cron without a schedule",
      { kind: "cron" },
      "kind",
      /a cron needs a `schedule`, such as "30 2 \* \* \*"; add one$/,
    ],
    [
      "a schedule of six fields",
      { ...cron, schedule: "0 0 0 * * *" },
      "schedule",
      /"0 0 0 \* \* \*": has 6 fields; it takes five/,
    ],
    ["a schedule that never comes", { ...cron, schedule: "0 0 30 2 *" }, "schedule", /"0 0 30 2 \*": never comes/],
    [
      "a schedule that is a list",
      { ...cron, schedule: ["@daily"] },
      "schedule",
      /must be five fields of cron in quotes/,
    ],
    [
      "a schedule of a worker",
      { schedule: "@daily" },
      "schedule",
      /has no effect on a service that always runs; remove it, or set `kind` to cron$/,
    ],
    [
      "a schedule of a job",
      { kind: "job", schedule: "@daily" },
      "schedule",
      /has no effect on a job; remove it, or set `kind` to cron$/,
    ],
    [
      "a time zone by its offset",
      { ...cron, timeZone: "+01:00" },
      "timeZone",
      /"\+01:00": is no time zone; write one of the IANA database/,
    ],
    ["a time zone of a job", { kind: "job", timeZone: "Etc/UTC" }, "timeZone", /has no effect on a job/],
    [
      "a concurrency in lower case",
      { ...cron, concurrency: "forbid" },
      "concurrency",
      /"forbid": must be Allow, Forbid or Replace$/,
    ],
    [
      "a concurrency of a worker",
      { kind: "worker", concurrency: "Forbid" },
      "concurrency",
      /has no effect on a worker/,
    ],
    [
      "a starting deadline that Kubernetes misses",
      { ...cron, startingDeadlineSeconds: 5 },
      "startingDeadlineSeconds",
      /5: must be at least 10/,
    ],
    [
      "a starting deadline of a job",
      { kind: "job", startingDeadlineSeconds: 60 },
      "startingDeadlineSeconds",
      /has no effect on a job/,
    ],
    [
      "a deadline of nothing",
      { kind: "job", activeDeadlineSeconds: 0 },
      "activeDeadlineSeconds",
      /0: must be at least 1$/,
    ],
    [
      "a deadline of a worker",
      { kind: "worker", activeDeadlineSeconds: 60 },
      "activeDeadlineSeconds",
      /has no effect on a worker; remove it, or set `kind` to cron or job$/,
    ],
    ["negative retries", { kind: "job", backoffLimit: -1 }, "backoffLimit", /-1: must not be negative$/],
    ["retries of a worker", { backoffLimit: 1 }, "backoffLimit", /has no effect on a service that always runs/],
    [
      "a history without failures",
      { ...cron, history: { failed: 0 } },
      "history.failed",
      /0: must be at least 1: of a failed run/,
    ],
    ["a history of a job", { kind: "job", history: { successful: 1 } }, "history", /has no effect on a job/],
    ["a port of a cron", { ...cron, port: 80 }, "port", /has no effect on a cron; remove it, or set `kind` to server$/],
    ["probes of a job", { kind: "job", probes: { liveness: "/" } }, "probes", /has no effect on a job/],
    [
      "replicas of a cron",
      { ...cron, replicas: 2 },
      "replicas",
      /has no effect on a cron; remove it, or set `kind` to server or worker$/,
    ],
    [
      "an autoscaler of a job",
      { kind: "job", autoscaling: { min: 1, max: 2 } },
      "autoscaling",
      /has no effect on a job/,
    ],
    ["a way in from outside for a cron", { ...cron, expose: true }, "expose", /has no effect on a cron/],
    [
      "a volume at no absolute path",
      { volumes: { data: { ...data, path: "data" } } },
      "volumes.data.path",
      /"data": must be an absolute path/,
    ],
    [
      "a volume at the directory that is always empty",
      { volumes: { data: { ...data, path: "/tmp" } } },
      "volumes.data.path",
      /"\/tmp": is a directory of every pod/,
    ],
    [
      "volumes as Compose writes them",
      { volumes: ["data:/data"] },
      "volumes",
      /: must be a map of names and volumes, such as \{data: \{path: \/data, size: 1Gi\}\}$/,
    ],
    [
      "a volume without a size",
      { volumes: { data: { path: "/data" } } },
      "volumes.data.size",
      /missing; must be a size such as 1Gi$/,
    ],
    [
      "a volume of a size in megabytes",
      { volumes: { data: { ...data, size: "100MB" } } },
      "volumes.data.size",
      /"100MB": must be a size such as 1Gi$/,
    ],
    [
      "a volume with an unknown access mode",
      { volumes: { data: { ...data, accessMode: "RWX" } } },
      "volumes.data.accessMode",
      /"RWX": must be ReadWriteOnce, ReadWriteOncePod or ReadWriteMany$/,
    ],
    [
      "a volume with an unknown key",
      { volumes: { data: { ...data, storageClassName: "fast" } } },
      "volumes.data.storageClassName",
      /unknown key/,
    ],
    [
      "a volume of no name",
      { volumes: { Data: data } },
      "volumes.Data",
      /"Data": must be lower case letters, digits and '-'/,
    ],
    [
      "two volumes at one path",
      { volumes: { a: data, b: data } },
      "volumes.b.path",
      /\/data is mounted by .*volumes\.a\.path already; remove one of them$/,
    ],
    [
      "several pods with one volume",
      { replicas: 2, volumes: { data } },
      "replicas",
      /2 pods cannot share the volume data, .*set `accessMode` to ReadWriteMany.*or `perPod` to true/,
    ],
    [
      "an autoscaler of pods with one volume",
      { autoscaling: { min: 1, max: 3 }, volumes: { data } },
      "autoscaling",
      /3 pods cannot share the volume data/,
    ],
    [
      "an autoscaler of pods with volumes of their own",
      { autoscaling: { min: 1, max: 3 }, volumes: { data: { ...data, perPod: true } } },
      "autoscaling",
      /has no effect beside volumes of single pods \(data\)/,
    ],
    [
      "a volume of single pods that is to be deleted",
      { volumes: { data: { ...data, perPod: true, whenDeleted: "Delete" } } },
      "volumes.data.whenDeleted",
      /this program cannot delete them; leave it out/,
    ],
    [
      "a volume for each pod of a job",
      { kind: "job", volumes: { data: { ...data, perPod: true } } },
      "volumes.data.perPod",
      /has no effect on a job/,
    ],
    [
      "two runs at once with one volume",
      { ...cron, volumes: { data } },
      "volumes.data",
      /two runs at once may be on two nodes.*set `concurrency` to Forbid or Replace/,
    ],
  ])("%s", async (_what, settings, key, hint) => {
    const message = await rejection(set("services.tool", settings));
    expect(message).toMatch(/^1 problem; /);
    expect(message).toContain(`\n  ${at(key)}: `);
    expect(message.slice(message.indexOf(at(key)))).toMatch(hint);
  });

  test("names that two services would have both", async () => {
    write("svc/tool-data/Dockerfile", "FROM scratch\n");
    write("svc/web-pods/Dockerfile", "FROM scratch\n");
    write("svc/web/Dockerfile", "FROM scratch\n");
    const message = await rejection((settings) => {
      set("services.tool.volumes", { "data-x": data })(settings);
      set("services.tool-data.volumes", { x: data })(settings);
      set("services.web.volumes", { data: { ...data, perPod: true } })(settings);
      set("dependencies.tool-data-y", "none")(settings);
    });
    expect(message).toMatch(/^2 problems; /);
    expect(message).toMatch(
      /services\.tool-data\.volumes\.x: needs the name of the PersistentVolumeClaim tool-data-x, which is that of the volumes of tool; rename one of them/,
    );
    expect(message).toMatch(
      /services\.web\.volumes\.data: needs the name of the Service web-pods, which is that of the service web-pods; rename one of them/,
    );
  });

  test("a name that is too long for a cron, and for a service with volumes for single pods", async () => {
    write(`svc/${"c".repeat(53)}/Dockerfile`, "FROM scratch\n");
    write(`svc/${"s".repeat(53)}/Dockerfile`, "FROM scratch\n");
    const message = await rejection((settings) => {
      set(`services.${"c".repeat(53)}`, cron)(settings);
      set(`services.${"s".repeat(53)}`, { volumes: { data: { ...data, perPod: true } } })(settings);
    });
    expect(message).toMatch(/has 53 characters; that of a cron takes at most 52: set a shorter `name`/);
    expect(message).toMatch(/has 53 characters; with volumes of single pods it takes at most 52/);
  });

  test("of a default, what a service of another kind does not take is none", async () => {
    const message = await rejection((settings) => {
      set("defaults", { replicas: 2, probes: { liveness: "/healthz" }, expose: true })(settings);
      set("services.tool", { ...cron, backoffLimit: -1 })(settings);
    });
    expect(message).toMatch(/^1 problem; .*\n  .*services\.tool\.backoffLimit: -1: must not be negative/);
  });
});

describe("an invalid release record gets one clear error and declares nothing", () => {
  const valid = {
    apiVersion: "kustomize.config.k8s.io/v1alpha1",
    kind: "Component",
    images: [{ name: "localhost:5001/delinkcious/shop-link", digest: `sha256:${"a".repeat(64)}` }],
  };
  test.each<[what: string, content: string, hint: RegExp]>([
    [
      "a tag instead of a digest",
      JSON.stringify({ ...valid, images: [{ ...valid.images[0], digest: "0.2" }] }),
      /"0.2": must be sha256: and 64 hexadecimal digits/,
    ],
    [
      "another image",
      JSON.stringify({ ...valid, images: [{ ...valid.images[0], name: "docker.io/other/link" }] }),
      /"docker.io\/other\/link" is another image than localhost:5001\/delinkcious\/shop-link/,
    ],
    ["a conflict of two releases", "<<<<<<< HEAD\nimages: []\n=======\n", /is not YAML|must be a map/i],
  ])("%s", async (_what, content, hint) => {
    write("deploy/sandbox/link/release/kustomization.yaml", content);
    write(
      "deploy/sandbox/user/release/kustomization.yaml",
      JSON.stringify({
        ...valid,
        images: [{ name: "localhost:5001/delinkcious/shop-user", digest: `sha256:${"b".repeat(64)}` }],
      }),
    );
    const message = await rejection((settings) => {
      set("images.source", "registry")(settings);
      set("images.releases", join(app, "deploy"))(settings);
    });
    expect(message).toContain(join(app, "deploy/sandbox/link/release/kustomization.yaml"));
    expect(message).toMatch(hint);
  });

  test("a directory of release records that is not there", async () => {
    const message = await rejection((settings) => {
      set("images.source", "registry")(settings);
      set("images.releases", `${app}/deploy`)(settings);
    });
    expect(message).toContain(`${file}: images.releases: "${app}/deploy" does not exist; correct the path`);
  });
});

describe("an invalid patch, or an object that a service cannot bring along, gets one clear error and declares nothing", () => {
  const inService = (patch: string): string => `patches:\n  - ${patch}\n`;
  test.each<[what: string, patch: string, key: string, hint: RegExp]>([
    ["a patch of no kind", "{ patch: {} }", ".kind", /missing; must be the kind of an object of the service/],
    ["a kind in lower case", "{ kind: deployment, patch: {} }", ".kind", /"deployment": must be the kind of an object/],
    ["a patch without a change", "{ kind: Service }", ".patch", /missing; must be a part of the object, or a list of/],
    ["a patch that is a text", "{ kind: Service, patch: x }", ".patch", /"x": must be a part of the object, or a list/],
    ["a patch of no operation", "{ kind: Service, patch: [] }", ".patch", /\[\]: must have an operation/],
    ["an unknown operation", "{ kind: Service, patch: [{ op: set, path: /a }] }", ".patch.0.op", /must be add, remove/],
    [
      "an operation at no path",
      "{ kind: Service, patch: [{ op: remove, path: a }] }",
      ".patch.0.path",
      /begins with \//,
    ],
    [
      "an operation without a value",
      "{ kind: Service, patch: [{ op: add, path: /a }] }",
      ".patch.0.value",
      /must be there/,
    ],
    ["a target as kustomize has it", "{ target: { kind: Service }, patch: {} }", ".target", /unknown key/],
    [
      "an object that is not there",
      "{ kind: Ingress, patch: { spec: {} } }",
      "",
      /link has no Ingress; it has ConfigMap, Deploy/,
    ],
    [
      "an image of the service's container",
      "{ kind: Deployment, patch: { spec: { template: { spec: { containers: [{ name: link, image: x }] } } } } }",
      "",
      /of Deployment link: image of container link must stay: the release record says by digest which one runs/,
    ],
    [
      "an amount that is none",
      "{ kind: Deployment, patch: { spec: { template: { spec: { containers: [{ name: link, resources: { limits: { memory: 512MB } } }] } } } } }",
      "",
      /spec\.template\.spec\.containers\.0\.resources\.limits\.memory: "512MB": is no quantity; it takes a unit such as/,
    ],
    [
      "a secret as Pulumi encrypts it",
      "{ kind: ConfigMap, patch: { data: { KEY: { secure: v1:x } } } }",
      ".patch.data.KEY",
      /is a secret, and a plain setting is shown/,
    ],
  ])("%s", async (_what, patch, key, hint) => {
    write("svc/link_service/service.yaml", inService(patch));
    const message = await rejection(() => {});
    const location = `${app}/svc/link_service/service.yaml: patches.0${key}: `;
    expect(message.split("\n").find((text) => text.includes(location))).toMatch(hint);
  });

  test.each<[what: string, change: (settings: Settings) => void, location: string, hint: RegExp]>([
    [
      "a default patch that concerns no service",
      set("defaults.patches", [{ kind: "Ingress", patch: { spec: {} } }]),
      `${file}: defaults.patches.0`,
      /no service has the kind Ingress; correct it, or remove the patch/,
    ],
    [
      "a default patch that breaks every service, said for each",
      set("defaults.patches", [{ kind: "Service", patch: { metadata: { name: "x" } } }]),
      `${file}: defaults.patches.0`,
      /of Service link: metadata.name must stay "link"/,
    ],
    [
      "a patch of one service in this environment",
      set("services.link.patches", [{ kind: "Deployment", patch: { spec: { replicas: 2 } } }]),
      `${file}: services.link.patches.0`,
      /of Deployment link: spec.replicas must stay 1: `replicas` and `autoscaling`/,
    ],
    [
      "manifests that are not there",
      set("services.link.manifests", ["svc/link_service/k8s/*.yaml"]),
      `${file}: services.link.manifests.0`,
      /"svc\/link_service\/k8s\/\*\.yaml": matches no file below .*, of which globs begin at the root/,
    ],
    [
      "a manifest outside",
      set("services.link.manifests", ["../k8s.yaml"]),
      `${file}: services.link.manifests.0`,
      /must be a glob from the root of the monorepo/,
    ],
    [
      "one manifest as a text",
      set("services.link.manifests", "k8s.yaml"),
      `${file}: services.link.manifests`,
      /must be a list/,
    ],
  ])("%s", async (_what, change, location, hint) => {
    const message = await rejection(change);
    expect(message.split("\n").find((text) => text.includes(`${location}: `))).toMatch(hint);
  });

  const metadata = "metadata: { name: own }";
  test.each<[what: string, text: string, location: string, hint: RegExp]>([
    ["no YAML", "a: [", "", /is not YAML/],
    ["nothing", "# later\n", "", /has no Kubernetes object in it/],
    ["no object", "replicas: 2\n", "", /has something that is no Kubernetes object, as document 1/],
    [
      "a Secret",
      `apiVersion: v1\nkind: Secret\n${metadata}\n`,
      "Secret own",
      /would be in Git; set its values with `pulumi config/,
    ],
    ["a Namespace", `apiVersion: v1\nkind: Namespace\n${metadata}\n`, "Namespace own", /is in no namespace/],
    [
      "a kustomization",
      `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n${metadata}\n`,
      "Kustomization own",
      /is a file of kustomize, and no object; name the manifests themselves/,
    ],
    [
      "an unknown field",
      `apiVersion: v1\nkind: ConfigMap\n${metadata}\ndate: {}\n`,
      "ConfigMap own",
      /date: unknown field; did you mean data\?/,
    ],
    [
      "a wrong type",
      `apiVersion: v1\nkind: ConfigMap\n${metadata}\ndata: { A: 1 }\n`,
      "ConfigMap own",
      /data\.A: 1: must be a string; quote it/,
    ],
    [
      "another namespace",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: own, namespace: other }\n",
      "ConfigMap other/own",
      /metadata\.namespace: "other": the environment's is .*; leave it out/,
    ],
    [
      "an object that the service has already",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: user }\n",
      "ConfigMap user",
      /user has it by its settings, and `patches` change it; remove it here, or give it another name/,
    ],
    [
      "pods that would be taken for a service's",
      `apiVersion: v1\nkind: Pod\nmetadata: { name: own, labels: { app.kubernetes.io/name: link, app.kubernetes.io/part-of: shop } }\nspec: { containers: [{ name: a, image: a }] }\n`,
      "Pod own",
      /its pods have the labels of link, whose requests and policies they would share/,
    ],
    [
      "a kind that Kubernetes has not",
      `apiVersion: v1\nkind: SealedSecret\n${metadata}\n`,
      "SealedSecret own",
      /v1 of Kubernetes has no kind SealedSecret; correct apiVersion or kind/,
    ],
    [
      "a name that YAML takes for a boolean",
      "apiVersion: v1\nkind: List\nitems: [{ apiVersion: v1, kind: ConfigMap, metadata: { name: on } }]\n",
      "",
      /of which item 1 is none, whose metadata\.name is true; put it in quotes/,
    ],
    [
      "a Secret in a list",
      `apiVersion: v1\nkind: List\nitems: [{ apiVersion: v1, kind: Secret, metadata: { name: own } }]\n`,
      "Secret own",
      /would be in Git/,
    ],
    [
      "pods with a mount of no volume",
      `apiVersion: v1\nkind: Pod\n${metadata}\nspec: { containers: [{ name: a, image: a, volumeMounts: [{ name: b, mountPath: /b }] }] }\n`,
      "Pod own",
      /container a mounts b, and the pods have no such volume/,
    ],
    [
      "an autoscaler of a service",
      `apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n${metadata}\nspec: { maxReplicas: 2, scaleTargetRef: { kind: Deployment, name: link } }\n`,
      "HorizontalPodAutoscaler own",
      /scales link, whose replicas its settings say; set `autoscaling` there/,
    ],
    [
      "a second budget of a service",
      `apiVersion: policy/v1\nkind: PodDisruptionBudget\n${metadata}\nspec: { selector: { matchLabels: { app.kubernetes.io/name: link } } }\n`,
      "PodDisruptionBudget own",
      /takes the pods of link, which have a budget already/,
    ],
    [
      "a name that is none",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: Own }\n",
      "ConfigMap Own",
      /metadata\.name: must be lower case/,
    ],
  ])("a file with %s", async (_what, text, location, hint) => {
    write("svc/link_service/service.yaml", "manifests: [svc/link_service/k8s/*.yaml]\n");
    write("svc/link_service/k8s/own.yaml", text);
    const message = await rejection(() => {});
    const place = `${app}/svc/link_service/k8s/own.yaml: ${location === "" ? "" : `${location}: `}`;
    expect(message.split("\n").find((line) => line.includes(place))).toMatch(hint);
  });

  test("a directory in place of files", async () => {
    write("svc/link_service/service.yaml", "manifests: [svc/link_service/k8s]\n");
    write("svc/link_service/k8s/own.yaml", "");
    expect(await rejection(() => {})).toContain(
      `manifests.0: "svc/link_service/k8s": ${app}/svc/link_service/k8s is a directory; name the files in it, such as svc/link_service/k8s/*.yaml`,
    );
  });

  test("an object that the migrations of a service have", async () => {
    write("svc/link_service/service.yaml", "manifests: [own.yaml]\nmigrations: { command: [migrate] }\n");
    write(
      "own.yaml",
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: link-migration }\nspec: { podSelector: {} }\n",
    );
    expect(await rejection(() => {})).toContain(
      `${app}/own.yaml: NetworkPolicy link-migration: the migrations of link have it`,
    );
  });

  test("one object in the files of two services", async () => {
    write("k8s/own.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: own }\n");
    const message = await rejection(set("defaults.manifests", ["k8s/own.yaml"]));
    expect(message).toContain(
      `${app}/k8s/own.yaml: ConfigMap own: link brings it along already, in ${app}/k8s/own.yaml`,
    );
  });
});
