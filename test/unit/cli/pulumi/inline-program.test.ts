import * as grpc from "@grpc/grpc-js";
import * as pulumi from "@pulumi/pulumi";
import * as server from "@pulumi/pulumi/automation/server.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import resource from "@pulumi/pulumi/proto/resource_pb.js";
import service from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { guardInlinePrograms } from "../../../../cli/pulumi/inline-program.ts";

class Cart extends pulumi.CustomResource {}
type Program = () => Promise<Record<string, unknown>>;
interface LanguageServer {
  run(call: { request: language.RunRequest }, answer: grpc.sendUnaryData<language.RunResponse>): Promise<void>;
}
// Only the SDK's type declarations leave it out.
const { LanguageServer } = server as unknown as { LanguageServer: new (program: Program) => LanguageServer };

const lost = /lost its connection to the engine before everything was declared, so nothing was deleted/;

/** What an engine answers to the registration of a resource. */
type Registration = (type: string) => grpc.status | undefined;

/** The part of an engine that programs talk to; it notes what they declare, and whether they said that this was all. */
async function startMonitor(refuses: Registration = () => undefined) {
  const declared: string[] = [];
  const monitor = new grpc.Server();
  const seen = { declared, ended: false };
  const methods: grpc.UntypedServiceImplementation = {
    supportsFeature: (_call: unknown, reply: grpc.sendUnaryData<unknown>) =>
      reply(null, new resource.SupportsFeatureResponse()),
    registerResource: (
      { request }: { request: resource.RegisterResourceRequest },
      reply: grpc.sendUnaryData<unknown>,
    ) => {
      const code = refuses(request.getType());
      if (code !== undefined) return reply({ code, details: "connection lost" });
      declared.push(request.getType());
      const answer = new resource.RegisterResourceResponse();
      answer.setUrn(`urn:pulumi:dev::shop::${request.getType()}::${request.getName()}`);
      return reply(null, answer);
    },
    registerResourceOutputs: (_call: unknown, reply: grpc.sendUnaryData<unknown>) => reply(null, new empty.Empty()),
    signalAndWaitForShutdown: (_call: unknown, reply: grpc.sendUnaryData<unknown>) => {
      seen.ended = true;
      reply(null, new empty.Empty());
    },
  };
  monitor.addService(service.ResourceMonitorService, methods);
  const port = await new Promise<number>((bound, failed) => {
    monitor.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, chosen) =>
      error === null ? bound(chosen) : failed(error),
    );
  });
  return { port, seen, [Symbol.dispose]: () => monitor.forceShutdown() };
}

/** The answers to an engine that asks to run the program, with their errors. @param engine its address; empty: none is called */
async function runFor(port: number, program: Program, engine = ""): Promise<(string | undefined)[]> {
  const request = new language.RunRequest();
  request.setProject("shop");
  request.setStack("dev");
  request.setParallel(4);
  request.setMonitorAddress(`127.0.0.1:${port}`);
  request.setArgsList([engine]);
  const answers: (string | undefined)[] = [];
  await new LanguageServer(program).run(
    { request },
    (error) => void answers.push(error instanceof Error ? error.message : undefined),
  );
  return answers;
}

describe("of a program in this process", () => {
  const listeners = process.listeners("unhandledRejection");
  // The test runner's would take lost calls for failures of the test.
  beforeEach(() => void process.removeAllListeners("unhandledRejection"));
  afterEach(() => listeners.forEach((listener) => void process.on("unhandledRejection", listener)));
  guardInlinePrograms();
  guardInlinePrograms();

  test("the engine hears that it has come to its end", async () => {
    using monitor = await startMonitor();
    const answers = await runFor(monitor.port, async () => {
      new Cart("shop:index:Cart", "cart");
      return {};
    });
    expect(answers).toEqual([undefined]);
    expect(monitor.seen).toEqual({ declared: ["pulumi:pulumi:Stack", "shop:index:Cart"], ended: true });
  });

  test("that never began, since the engine was out of reach, an error is told", async () => {
    using monitor = await startMonitor();
    const began: string[] = [];
    const program: Program = async () => ({ began: began.push("began") });
    // Nothing listens there.
    expect(await runFor(monitor.port, program, "127.0.0.1:1")).toEqual([expect.stringMatching(lost)]);
    expect([began, monitor.seen.ended]).toEqual([[], false]);
  });

  test.for([grpc.status.UNAVAILABLE, grpc.status.CANCELLED])(
    "of which one resource did not reach the engine (%i) an error is told before anything may be deleted",
    async (code) => {
      using monitor = await startMonitor((type) => (type === "shop:index:Cart" ? code : undefined));
      const answers = await runFor(monitor.port, async () => {
        new Cart("shop:index:Cart", "cart");
        return {};
      });
      expect(answers).toEqual([expect.stringMatching(lost)]);
      expect(monitor.seen).toEqual({ declared: ["pulumi:pulumi:Stack"], ended: false });
    },
  );

  test("that fails by itself its own error is told, once", async () => {
    using monitor = await startMonitor();
    const answers = await runFor(monitor.port, () => Promise.reject(new Error("no such service: cart")));
    expect(answers).toEqual(["no such service: cart"]);
    expect(monitor.seen.ended).toBe(false);
  });
});
