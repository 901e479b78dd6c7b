import * as grpc from "@grpc/grpc-js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import service from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { connectEngineLog, type EngineLog } from "./engine-client.ts";
import {
  checkResponse,
  diffRequest,
  diffResponse,
  failures,
  map,
  reference,
  serviceError,
  toStruct,
} from "./messages.ts";
import type { ConfiguredProvider, ResourceProvider } from "./resource-provider.ts";

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
      provider.diffConfig === undefined
        ? new proto.DiffResponse()
        : diffResponse(await provider.diffConfig(diffRequest(request))),
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
    // The official plugins' components need a cluster also at preview, so the program declares none.
    construct: unary((request: proto.ConstructRequest) =>
      Promise.reject(
        new Error(
          `the offline provider ${provider.name} has no component ${request.getType()}: declare its parts one by one, or install the official plugin`,
        ),
      ),
    ),
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
        ...diffRequest(request),
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
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
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
function unary<Request, Response>(
  handle: (request: Request, peer: string) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    new Promise<Response>((resolve) => resolve(handle(call.request, call.getPeer()))).then(
      (response) => callback(null, response),
      (error: unknown) => callback(serviceError(error)),
    );
  };
}
