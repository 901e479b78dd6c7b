#!/usr/bin/env bash
# @pulumi/pulumi 3.270.0, Automation API: a program that never ran counts as one that declares nothing.
#
# One would guess: where the engine cannot be reached before an inline program starts (a refused connection on a busy machine), the
#   run of the program fails, and so the update does.
# What happens: the SDK takes the gRPC statuses UNAVAILABLE and CANCELLED for an engine that is shutting down, and answers the
#   engine that the program has run without an error. The rejection comes once nobody listens for it any more.
# Who is hurt: whoever runs `stack.up()` in a process that goes on after an unhandled rejection (a test runner, a server that logs
#   it): the engine is told that the program is done and has declared nothing, and deletes the whole stack.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @pulumi/pulumi@3.270.0
cat >try.cjs <<'JS'
const grpc = require("@grpc/grpc-js");
const { LanguageServer } = require("@pulumi/pulumi/automation/server.js");
const { RunRequest } = require("@pulumi/pulumi/proto/language_pb.js");
const resource = require("@pulumi/pulumi/proto/resource_pb.js");
const { ResourceMonitorService } = require("@pulumi/pulumi/proto/resource_grpc_pb.js");
process.once("unhandledRejection", (error) => console.log(`unhandled rejection: ${error.message.split(":")[0]}`));
process.on("unhandledRejection", () => {}); // the second promise of the same error
const stack = new resource.RegisterResourceResponse();
stack.setUrn("urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev");
const monitor = new grpc.Server();
monitor.addService(ResourceMonitorService, {
  supportsFeature: (call, reply) => reply(null, new resource.SupportsFeatureResponse()),
  registerResource: (call, reply) => reply(null, stack),
});
monitor.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), async (error, port) => {
  const request = new RunRequest();
  request.setProject("shop").setStack("dev").setMonitorAddress(`127.0.0.1:${port}`);
  request.setArgsList(["127.0.0.1:1"]); // the engine's address, where nothing listens
  let ran = false;
  const program = async () => void (ran = true);
  await new LanguageServer(program).run({ request }, (error, answer) =>
    console.log(`the program ran: ${ran}; the engine hears of the error: ${JSON.stringify(error?.message ?? answer.getError())}`),
  );
  monitor.forceShutdown();
});
JS
cat >expected <<'TEXT'
the program ran: false; the engine hears of the error: ""
unhandled rejection: 14 UNAVAILABLE
TEXT
node try.cjs | tee seen
diff expected seen
echo "As described: @pulumi/pulumi 3.270.0."
