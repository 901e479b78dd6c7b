import * as grpc from "@grpc/grpc-js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";

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
