import { randomUUID } from "node:crypto";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { vi } from "vitest";

const computedOutputs: Record<string, (inputs: Record<string, unknown>) => Record<string, unknown>> = {
  "docker:index/image:Image": ({ imageName }) => ({
    repoDigest: `${String(imageName).replace(/:[^:/]*$/, "")}@sha256:${"0".repeat(64)}`,
  }),
  "circleci:index/project:Project": ({ name }) => ({ slug: `circleci/id-of-organization/${String(name)}` }),
  "pulumi-nodejs:dynamic/delivery:SecretGenerations": () => ({ generations: {} }),
  "pulumi-nodejs:dynamic/delivery:ImageHistory": ({ images }) => ({ history: images }),
};

const knownTypes = new Set([
  "pulumi:pulumi:Stack",
  "pulumi:providers:circleci",
  "pulumi:providers:kubernetes",
  "docker:index/image:Image",
  "circleci:index/project:Project",
  "circleci:index/pipeline:Pipeline",
  "circleci:index/trigger:Trigger",
  "circleci:index/context:Context",
  "circleci:index/contextRestriction:ContextRestriction",
  "circleci:index/contextEnvironmentVariable:ContextEnvironmentVariable",
  "circleci:index/projectEnvironmentVariable:ProjectEnvironmentVariable",
  "kubernetes:argoproj.io/v1alpha1:AppProject",
  "kubernetes:argoproj.io/v1alpha1:Application",
  "kubernetes:argoproj.io/v1alpha1:ApplicationSet",
  "kubernetes:pipelinesascode.tekton.dev/v1alpha1:Repository",
  "kubernetes:argocd-image-updater.argoproj.io/v1alpha1:ImageUpdater",
  "pulumi-nodejs:dynamic/delivery:GitManifests",
  "pulumi-nodejs:dynamic/delivery:SecretGenerations",
  "pulumi-nodejs:dynamic/delivery:ImageHistory",
  "pulumi-nodejs:dynamic/delivery:InitialMigrations",
  "pulumi-nodejs:dynamic/delivery:InitialReleases",
  "kubernetes:core/v1:Namespace",
  "kubernetes:core/v1:Secret",
  "kubernetes:core/v1:ConfigMap",
  "kubernetes:core/v1:ServiceAccount",
  "kubernetes:core/v1:Service",
  "kubernetes:core/v1:PersistentVolumeClaim",
  "kubernetes:apps/v1:Deployment",
  "kubernetes:apps/v1:StatefulSet",
  "kubernetes:batch/v1:Job",
  "kubernetes:batch/v1:CronJob",
  "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
  "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy",
  "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding",
  "kubernetes:rbac.authorization.k8s.io/v1:Role",
  "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
  "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
  "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
  "kubernetes:networking.k8s.io/v1:NetworkPolicy",
  "kubernetes:networking.k8s.io/v1:Ingress",
  "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute",
  "kubernetes:gateway.networking.k8s.io/v1:GRPCRoute",
  "kubernetes:policy/v1:PodDisruptionBudget",
  "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
]);

/** Pulumi mocks that record what is declared and refuse every resource type and call that this program has no business with. */
export class MockEngine implements pulumi.runtime.Mocks {
  /** What the program must not have asked for; the engine's protocol would turn an error into an unhandled rejection. */
  private readonly refusals: string[] = [];
  private readonly inputs = new Map<string, Record<string, unknown>>();

  newResource(args: pulumi.runtime.MockResourceArgs): pulumi.runtime.MockResourceResult {
    if (!knownTypes.has(args.type) && !args.type.startsWith("delivery:"))
      this.refusals.push(`unexpected resource ${args.type} ${args.name}`);
    // Mocks receive any input as `any`; what the program passes is a map.
    const inputs = args.inputs as Record<string, unknown>;
    this.inputs.set(`${args.type}::${args.name}`, inputs);
    return { id: `${args.name}-id`, state: { ...inputs, ...computedOutputs[args.type]?.(inputs) } };
  }

  call(args: pulumi.runtime.MockCallArgs): Record<string, unknown> {
    if (args.token === "circleci:index/getProject:getProject") return { ...args.inputs, id: "looked-up-project-id" };
    this.refusals.push(`unexpected call ${args.token}`);
    return {};
  }

  /** All resources by URN, which holds their parents' types, in alphabetical order. Waits until the program is done. */
  async resources(): Promise<Record<string, Record<string, unknown>>> {
    await pulumi.runtime.disconnect();
    if (this.refusals.length > 0) throw new Error(this.refusals.join("\n"));
    const monitor = pulumi.runtime.getMonitor();
    if (!(monitor instanceof MockMonitor)) throw new Error("no mocks are set");
    const urns = [...monitor.getRegisteredResources().keys()].toSorted();
    return Object.fromEntries(
      urns.map((urn) => {
        const [type = "", name = ""] = urn.split("::").slice(2);
        return [`${type}::${name}`, this.inputs.get(`${type.split("$").pop()}::${name}`) ?? {}];
      }),
    );
  }
}

/** A stack's configuration as the engine passes it: structured values as JSON. */
interface StackConfig {
  values: Record<string, string>;
  secretKeys: string[];
}

const secretEnvelope = "4dabf18193072939515e22adb298388d";

/** The value with every secret replaced by `[secret]`. */
export function hideSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hideSecrets);
  if (typeof value !== "object" || value === null) return value;
  if (secretEnvelope in value) return "[secret]";
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hideSecrets(item)]));
}

/** Mocks never run a resource's hooks, and do not know how to take them either. */
function acceptHook(_request: unknown, callback: (error: null) => void): void {
  callback(null);
}
Object.assign(MockMonitor.prototype, { registerResourceHook: acceptHook, registerErrorHook: acceptHook });

/** CircleCI as the program asks it beside the engine, whether it answers; all other requests are made. */
const realFetch = globalThis.fetch;
const fetchAsMocked: typeof fetch = async (input, init) =>
  input === "https://circleci.com/api/v2/me" ? new Response("{}") : realFetch(input, init);

/** Makes fresh mocks for one stack; what is declared from here on is declared to them. */
export async function openMockEngine(stack: string, config: StackConfig, preview = false): Promise<MockEngine> {
  const engine = new MockEngine();
  await pulumi.runtime.setMocks(engine, "delivery", stack, preview);
  pulumi.runtime.setAllConfig(config.values, config.secretKeys);
  globalThis.fetch = fetchAsMocked;
  return engine;
}

/** Runs the whole program, which declares when it is imported: the query makes Node load it anew, and nothing below it. */
export async function runProgram(): Promise<void> {
  const program = join(import.meta.dirname, "..", "..", `index.ts?run=${randomUUID()}`);
  await import(program);
}

/** What the program asks of the engine for one resource, beside its inputs. */
interface Registration {
  /** `type::name`, without the parents' types. */
  id: string;
  /** `type::name` of the parent; empty: the stack. */
  parent: string;
  /** The name of its explicit provider; empty: the default one. */
  provider: string;
  dependsOn: readonly string[];
  retainOnDelete: boolean;
  deleteBeforeReplace: boolean;
  ignoreChanges: readonly string[];
  replaceOnChanges: readonly string[];
  createTimeout: string;
  /** `type::name` of other parents that it may have had. */
  formerParents: readonly string[];
  /** The hooks that the engine calls before an update, by their names. */
  beforeUpdate: readonly string[];
}

/** The part of the engine's protocol that is looked at. */
interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getProvider(): string;
  getDependenciesList(): string[];
  getRetainondelete(): boolean;
  getDeletebeforereplace(): boolean;
  getIgnorechangesList(): string[];
  getReplaceonchangesList(): string[];
  getCustomtimeouts(): { getCreate(): string } | undefined;
  getAliasesList(): { getSpec(): { getParenturn(): string } | undefined }[];
  getHooks(): { getBeforeUpdateList(): string[] } | undefined;
}

/** Records the registrations of the current mocks from here on; mocks alone see no resource options. */
export function recordRegistrations(): ReadonlyMap<string, Registration> {
  const recorded = new Map<string, Registration>();
  const monitor = pulumi.runtime.getMonitor();
  if (!(monitor instanceof MockMonitor)) throw new Error("no mocks are set");
  const register = monitor.registerResource.bind(monitor);
  vi.spyOn(monitor, "registerResource").mockImplementation((request: Request, callback) => {
    const id = `${request.getType()}::${request.getName()}`;
    recorded.set(id, {
      id,
      parent: shortUrn(request.getParent()),
      provider: shortUrn(request.getProvider().replace(/::[^:]*$/, "")),
      dependsOn: request.getDependenciesList().map(shortUrn).toSorted(),
      retainOnDelete: request.getRetainondelete(),
      deleteBeforeReplace: request.getDeletebeforereplace(),
      ignoreChanges: request.getIgnorechangesList(),
      replaceOnChanges: request.getReplaceonchangesList(),
      createTimeout: request.getCustomtimeouts()?.getCreate() ?? "",
      formerParents: request.getAliasesList().map((alias) => shortUrn(alias.getSpec()?.getParenturn() ?? "")),
      beforeUpdate: request.getHooks()?.getBeforeUpdateList() ?? [],
    });
    return register(request, callback);
  });
  return recorded;
}

function shortUrn(urn: string): string {
  const [type = "", name = ""] = urn.split("::").slice(2);
  return urn === "" ? "" : `${type.split("$").pop()}::${name}`;
}

const secretSignature = "4dabf18193072939515e22adb298388d";

/** Takes the value out of a secret's envelope. @throws Error if it is not in one */
export function openEnvelope(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !(secretSignature in value) || !("value" in value)) {
    throw new Error(`not a secret: ${JSON.stringify(value)}`);
  }
  return value.value;
}
