import * as grpc from "@grpc/grpc-js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";
import service from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { expect, test, vi } from "vitest";
import { createDockerProvider } from "../../../../sandbox/providers/docker/provider.ts";
import { createKubernetesProvider } from "../../../../sandbox/providers/kubernetes/provider.ts";
import { serveProvider } from "../../../../sandbox/providers/server.ts";

/** Calls a method of a client and waits for its answer. */
function call<Response>(method: (callback: (error: Error | null, response: Response) => void) => unknown) {
  return new Promise<Response>((resolve, reject) => {
    method((error, response) => (error === null ? resolve(response) : reject(error)));
  });
}

test("what the provider has to say reaches the log of the engine that called it", async () => {
  const heard: engine.LogRequest.AsObject[] = [];
  const listener = new grpc.Server();
  listener.addService(engineService.EngineService, {
    log: (request: grpc.ServerUnaryCall<engine.LogRequest, unknown>, callback: grpc.sendUnaryData<unknown>) => {
      heard.push(request.request.toObject());
      callback(null, new empty.Empty());
    },
  });
  const port = await call<number>((callback) =>
    listener.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), callback),
  );
  await using served = await serveProvider(
    createDockerProvider({ directory: import.meta.dirname, buildKit: () => Promise.reject(new Error("not needed")) }),
  );
  const client = new service.ResourceProviderClient(`127.0.0.1:${served.port}`, grpc.credentials.createInsecure());
  const handshake = new proto.ProviderHandshakeRequest();
  handshake.setEngineAddress(`127.0.0.1:${port}`);
  await call<proto.ProviderHandshakeResponse>((callback) => client.handshake(handshake, callback));
  const configure = new proto.ConfigureRequest();
  await call<proto.ConfigureResponse>((callback) => client.configure(configure, callback));
  const check = new proto.CheckRequest();
  const urn = "urn:pulumi:dev::app::docker:index/image:Image::link";
  check.setUrn(urn);
  check.setType("docker:index/image:Image");
  check.setNews(struct.Struct.fromJavaScript({ imageName: "localhost:5001/acme/link" }));
  const checked = await call<proto.CheckResponse>((callback) => client.check(check, callback));
  expect(checked.getFailuresList().map((failure) => failure.getReason())).toEqual([
    expect.stringContaining("build.dockerfile: there is no Dockerfile at"),
  ]);
  await vi.waitFor(() => expect(heard).toHaveLength(1), { timeout: 30_000 });
  expect(heard[0]).toMatchObject({ urn, severity: engine.LogSeverity.INFO, ephemeral: false });
  expect(heard[0]?.message).toMatch(/^building for linux\/.*: set build.platform/);
  client.close();
  listener.forceShutdown();
});

test.each(["yaml/v2:ConfigFile", "yaml/v2:ConfigGroup", "helm.sh/v4:Chart", "kustomize/v2:Directory"])(
  "the component %s is refused, as the official plugin does without a cluster: a program with one has no preview then",
  async (type) => {
    await using served = await serveProvider(createKubernetesProvider());
    const client = new service.ResourceProviderClient(`127.0.0.1:${served.port}`, grpc.credentials.createInsecure());
    const request = new proto.ConstructRequest();
    request.setType(`kubernetes:${type}`);
    request.setName("manifests");
    await expect(call<proto.ConstructResponse>((callback) => client.construct(request, callback))).rejects.toThrow(
      `the offline provider kubernetes has no component kubernetes:${type}: declare its parts one by one, or install the official plugin`,
    );
    client.close();
  },
);
