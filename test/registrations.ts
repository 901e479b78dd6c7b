import * as pulumi from "@pulumi/pulumi";
import { vi } from "vitest";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";

/** What the program asks of the engine for one resource, beside its inputs. */
export interface Registration {
  /** `type::name`, without the parents' types. */
  id: string;
  /** `type::name` of the parent; empty: the stack. */
  parent: string;
  /** The name of its explicit provider; empty: the default one. */
  provider: string;
  dependsOn: readonly string[];
  retainOnDelete: boolean;
  createTimeout: string;
}

/** The part of the engine's protocol that is looked at. */
interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getProvider(): string;
  getDependenciesList(): string[];
  getRetainondelete(): boolean;
  getCustomtimeouts(): { getCreate(): string } | undefined;
}

/** Records the registrations in the open world from here on; mocks alone see no resource options. */
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
      createTimeout: request.getCustomtimeouts()?.getCreate() ?? "",
    });
    return register(request, callback);
  });
  return recorded;
}

function shortUrn(urn: string): string {
  const [type = "", name = ""] = urn.split("::").slice(2);
  return urn === "" ? "" : `${type.split("$").pop()}::${name}`;
}
