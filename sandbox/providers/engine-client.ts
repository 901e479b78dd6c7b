import * as grpc from "@grpc/grpc-js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";
import service from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import proto from "@pulumi/pulumi/proto/resource_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { PropertyMap } from "./property.ts";

/** Messages of a provider to the user, through the engine that called it. They are dropped where the engine has ended. */
export interface EngineLog {
  /** A line that the next one of the same resource replaces, shown next to the resource during its operation. */
  status(urn: string, text: string): void;
  /** A line that stays. */
  message(severity: "info" | "warning", urn: string, text: string): void;
}

/** Drops everything. */
export const silentLog: EngineLog = { status: () => {}, message: () => {} };

/**
 * The log of the engine at an address.
 *
 * @param address host and port of the engine's gRPC service, as it tells a provider in the handshake
 */
export function connectEngineLog(address: string): EngineLog & Disposable {
  const client = new engineService.EngineClient(address, grpc.credentials.createInsecure());
  const send = (severity: engine.LogSeverity, urn: string, text: string, ephemeral: boolean): void => {
    const request = new engine.LogRequest();
    request.setSeverity(severity);
    request.setUrn(urn);
    request.setMessage(text);
    request.setEphemeral(ephemeral);
    client.log(request, () => {});
  };
  const severities = { info: engine.LogSeverity.INFO, warning: engine.LogSeverity.WARNING };
  return {
    status: (urn, text) => send(engine.LogSeverity.INFO, urn, text, true),
    message: (severity, urn, text) => send(severities[severity], urn, text, false),
    [Symbol.dispose]: () => client.close(),
  };
}

/** A resource to register with the engine. */
interface Registration {
  type: string;
  name: string;
  /** The parent's URN; empty for none. */
  parent: string;
  /** A component's inputs are only shown; a custom resource's go to its provider. */
  custom: boolean;
  inputs: PropertyMap;
  /** URNs of what must come before it. */
  dependencies: readonly string[];
  /** `urn::id` of the provider resource to use; empty: the package's default. */
  provider: string;
  /** Needed where the engine would have to choose a default provider. */
  version: string;
}

/** Registers the children of a component that a provider constructs with the engine that asked for it. */
export class ComponentMonitor implements Disposable {
  private readonly client: service.ResourceMonitorClient;

  /** @param endpoint the engine's monitor, as the Construct call names it */
  constructor(endpoint: string) {
    this.client = new service.ResourceMonitorClient(endpoint, grpc.credentials.createInsecure());
  }

  /** @returns the URN */
  async register(registration: Registration): Promise<string> {
    const request = new proto.RegisterResourceRequest();
    request.setType(registration.type);
    request.setName(registration.name);
    request.setParent(registration.parent);
    request.setCustom(registration.custom);
    request.setObject(struct.Struct.fromJavaScript(registration.inputs));
    request.setDependenciesList([...registration.dependencies]);
    request.setProvider(registration.provider);
    request.setVersion(registration.version);
    request.setAcceptsecrets(true);
    request.setAcceptresources(true);
    request.setSupportspartialvalues(true);
    const response = await new Promise<proto.RegisterResourceResponse>((resolve, reject) => {
      this.client.registerResource(request, (error, answer) => (error === null ? resolve(answer) : reject(error)));
    });
    return response.getUrn();
  }

  /** Tells the engine that a component is complete. */
  async complete(urn: string): Promise<void> {
    const request = new proto.RegisterResourceOutputsRequest();
    request.setUrn(urn);
    request.setOutputs(new struct.Struct());
    await new Promise<void>((resolve, reject) => {
      this.client.registerResourceOutputs(request, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  [Symbol.dispose](): void {
    this.client.close();
  }
}
