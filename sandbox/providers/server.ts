import * as grpc from "@grpc/grpc-js";
import any from "google-protobuf/google/protobuf/any_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import service from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import status from "@pulumi/pulumi/proto/status_pb.js";
import { ComponentMonitor } from "./component-monitor.ts";
import { connectEngineLog } from "./engine-log.ts";
import type { EngineLog } from "./engine-log.ts";
import type { PropertyMap } from "./property.ts";
import { ResourceInitError } from "./resource-provider.ts";
import type { CheckFailure, ConfiguredProvider, DiffKind, DiffResult, ResourceProvider } from "./resource-provider.ts";

export interface ServedProvider extends AsyncDisposable {
  readonly name: string;
  /** On loopback, for `PULUMI_DEBUG_PROVIDERS`. */
  readonly port: number;
}

/**
 * Serves a provider on a free loopback port through Pulumi's `ResourceProvider` gRPC service.
 *
 * One server serves all provider resources of its package: the engine opens a connection for each of them, so a
 * connection's address tells which configuration a call is for.
 */
export async function serveProvider(provider: ResourceProvider): Promise<ServedProvider> {
  const configured = new Map<string, ConfiguredProvider>();
  const logs = new Map<string, EngineLog & Disposable>();
  const logOf = (peer: string, address: string): void => {
    if (address !== "" && !logs.has(peer)) logs.set(peer, connectEngineLog(address));
  };
  const of = (peer: string): ConfiguredProvider => {
    const instance = configured.get(peer);
    if (instance === undefined) throw new Error(`provider ${provider.name} is called before it is configured`);
    return instance;
  };
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  server.addService(service.ResourceProviderService, {
    handshake: unary((request: proto.ProviderHandshakeRequest, peer) => {
      logOf(peer, request.getEngineAddress());
      const response = new proto.ProviderHandshakeResponse();
      response.setAcceptSecrets(true);
      return response;
    }),
    attach: unary((request: plugin.PluginAttach, peer) => {
      logOf(peer, request.getAddress());
      return new empty.Empty();
    }),
    cancel: unary((_request: empty.Empty, peer) => {
      configured.get(peer)?.cancel?.();
      return new empty.Empty();
    }),
    getPluginInfo: unary(() => {
      const info = new plugin.PluginInfo();
      info.setVersion(provider.version);
      return info;
    }),
    getMappings: unary(() => new proto.GetMappingsResponse()),
    parameterize: unary((request: proto.ParameterizeRequest) => {
      const value = request.getValue();
      if (provider.parameterize === undefined || value === undefined) {
        throw new Error(`the offline provider ${provider.name} takes no parameters but those of a generated SDK`);
      }
      const parameters = provider.parameterize({ name: value.getName(), version: value.getVersion() });
      const response = new proto.ParameterizeResponse();
      response.setName(parameters.name);
      response.setVersion(parameters.version);
      return response;
    }),
    checkConfig: unary(async (request: proto.CheckRequest) => {
      const news = map(request.getNews());
      return checkResponse((await provider.checkConfig?.(news)) ?? { inputs: news });
    }),
    diffConfig: unary(async (request: proto.DiffRequest) =>
      provider.diffConfig === undefined ? new proto.DiffResponse() : diffResponse(await provider.diffConfig(diffRequest(request))),
    ),
    configure: unary(async (request: proto.ConfigureRequest, peer) => {
      configured.set(peer, await provider.configure(map(request.getArgs()), logs.get(peer)));
      const response = new proto.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      return response;
    }),
    invoke: unary(async (request: proto.InvokeRequest, peer) => {
      const result = await of(peer).invoke(request.getTok(), map(request.getArgs()), request.getPreview());
      const response = new proto.InvokeResponse();
      if (result.outputs) response.setReturn(toStruct(result.outputs));
      response.setFailuresList(failures(result.failures));
      return response;
    }),
    construct: unary(async (request: proto.ConstructRequest) => {
      if (provider.construct === undefined) {
        throw new Error(`the offline provider ${provider.name} has no component ${request.getType()}: declare its parts one by one, or install the official plugin`);
      }
      using monitor = new ComponentMonitor(request.getMonitorendpoint());
      const urn = await provider.construct(
        {
          type: request.getType(),
          name: request.getName(),
          parent: request.getParent(),
          inputs: map(request.getInputs()),
          dependencies: request.getDependenciesList(),
          providers: new Map(request.getProvidersMap().getEntryList()),
        },
        monitor,
      );
      const response = new proto.ConstructResponse();
      response.setUrn(urn);
      response.setState(new struct.Struct());
      return response;
    }),
    check: unary(async (request: proto.CheckRequest, peer) =>
      checkResponse(
        await of(peer).check({
          ...reference(request),
          olds: map(request.getOlds()),
          news: map(request.getNews()),
          randomSeed: request.getRandomseed_asU8(),
        }),
      ),
    ),
    diff: unary(async (request: proto.DiffRequest, peer) => diffResponse(await of(peer).diff(diffRequest(request)))),
    create: unary(async (request: proto.CreateRequest, peer) => {
      const created = await of(peer).create({
        ...reference(request),
        inputs: map(request.getProperties()),
        preview: request.getPreview(),
        timeoutSeconds: request.getTimeout(),
      });
      const response = new proto.CreateResponse();
      response.setId(created.id);
      response.setProperties(toStruct(created.outputs));
      return response;
    }),
    read: unary(async (request: proto.ReadRequest, peer) => {
      const found = await of(peer).read({
        ...reference(request),
        id: request.getId(),
        state: map(request.getProperties()),
        inputs: map(request.getInputs()),
      });
      const response = new proto.ReadResponse();
      if (found === undefined) return response;
      response.setId(found.id);
      response.setProperties(toStruct(found.outputs));
      response.setInputs(toStruct(found.inputs));
      return response;
    }),
    update: unary(async (request: proto.UpdateRequest, peer) => {
      const outputs = await of(peer).update({
        ...reference(request),
        id: request.getId(),
        olds: map(request.getOlds()),
        oldInputs: map(request.getOldInputs()),
        news: map(request.getNews()),
        ignoreChanges: request.getIgnorechangesList(),
        preview: request.getPreview(),
        timeoutSeconds: request.getTimeout(),
      });
      const response = new proto.UpdateResponse();
      response.setProperties(toStruct(outputs));
      return response;
    }),
    delete: unary(async (request: proto.DeleteRequest, peer) => {
      await of(peer).delete({
        ...reference(request),
        id: request.getId(),
        state: map(request.getProperties()),
        oldInputs: map(request.getOldInputs()),
        timeoutSeconds: request.getTimeout(),
      });
      return new empty.Empty();
    }),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return {
    name: provider.name,
    port,
    [Symbol.asyncDispose]: () => {
      server.forceShutdown();
      for (const log of logs.values()) log[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}

/** The service's method for a function that returns its response or throws. */
function unary<Request, Response>(handle: (request: Request, peer: string) => Response | Promise<Response>): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    new Promise<Response>((resolve) => resolve(handle(call.request, call.getPeer()))).then(
      (response) => callback(null, response),
      (error: unknown) => callback(serviceError(error)),
    );
  };
}

/** A failed readiness travels as a typed detail, any other error as its message. */
function serviceError(error: unknown): Partial<grpc.StatusObject> {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof ResourceInitError)) return { code: grpc.status.UNKNOWN, details: message };
  const detail = new proto.ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setProperties(toStruct(error.outputs));
  detail.setInputs(toStruct(error.inputs));
  detail.setReasonsList(error.reasons);
  const packed = new any.Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const response = new status.Status();
  response.setCode(grpc.status.UNKNOWN);
  response.setMessage(message);
  response.addDetails(packed);
  const metadata = new grpc.Metadata();
  // gRPC for Node has no API for typed error details; this header is how they travel.
  metadata.add("grpc-status-details-bin", Buffer.from(response.serializeBinary()));
  return { code: grpc.status.UNKNOWN, details: message, metadata };
}

function reference(request: { getUrn(): string; getType(): string; getName(): string }) {
  return { urn: request.getUrn(), type: request.getType(), name: request.getName() };
}

function diffRequest(request: proto.DiffRequest) {
  return {
    ...reference(request),
    id: request.getId(),
    olds: map(request.getOlds()),
    oldInputs: map(request.getOldInputs()),
    news: map(request.getNews()),
    ignoreChanges: request.getIgnorechangesList(),
  };
}

function checkResponse(result: { inputs: PropertyMap; failures?: CheckFailure[] }): proto.CheckResponse {
  const response = new proto.CheckResponse();
  response.setInputs(toStruct(result.inputs));
  response.setFailuresList(failures(result.failures));
  return response;
}

function failures(list: CheckFailure[] = []): proto.CheckFailure[] {
  return list.map(({ property, reason }) => {
    const failure = new proto.CheckFailure();
    failure.setProperty(property);
    failure.setReason(reason);
    return failure;
  });
}

const kinds: Record<DiffKind, proto.PropertyDiff.Kind> = {
  add: proto.PropertyDiff.Kind.ADD,
  "add-replace": proto.PropertyDiff.Kind.ADD_REPLACE,
  delete: proto.PropertyDiff.Kind.DELETE,
  "delete-replace": proto.PropertyDiff.Kind.DELETE_REPLACE,
  update: proto.PropertyDiff.Kind.UPDATE,
  "update-replace": proto.PropertyDiff.Kind.UPDATE_REPLACE,
};

function diffResponse(result: DiffResult): proto.DiffResponse {
  const entries = Object.entries(result.detailedDiff);
  const response = new proto.DiffResponse();
  response.setChanges(entries.length > 0 ? proto.DiffResponse.DiffChanges.DIFF_SOME : proto.DiffResponse.DiffChanges.DIFF_NONE);
  response.setDiffsList([...new Set(entries.map(([path]) => topLevel(path)))]);
  response.setReplacesList([...new Set(entries.filter(([, kind]) => kind.endsWith("-replace")).map(([path]) => topLevel(path)))]);
  response.setHasdetaileddiff(true);
  response.setDeletebeforereplace(result.deleteBeforeReplace ?? false);
  for (const [path, kind] of entries) {
    const difference = new proto.PropertyDiff();
    difference.setKind(kinds[kind]);
    difference.setInputdiff(true);
    response.getDetaileddiffMap().set(path, difference);
  }
  return response;
}

function topLevel(path: string): string {
  return path.split(/[.[]/, 1)[0] ?? path;
}

function map(message: struct.Struct | undefined): PropertyMap {
  return message?.toJavaScript() ?? {};
}

function toStruct(properties: PropertyMap): struct.Struct {
  return struct.Struct.fromJavaScript(properties);
}
