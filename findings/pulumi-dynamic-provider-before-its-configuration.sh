#!/usr/bin/env bash
# @pulumi/pulumi 3.270.0: of several resources of a dynamic provider, only the first waits until the provider has configured itself.
#
# One would guess: `configure` comes before everything else of a dynamic provider: the SDK says that it is run once, and that this is
#   sure. So `create` may use what it has set, such as the session of a login.
# What happens: the provider is in the SDK's cache before `configure` has come to its end. Resources are created side by side, and a
#   second one finds it there and goes on at once. Where `configure` fails, the first resource fails with it, and the others are created
#   by a provider without configuration; so is the first, too, at the next attempt in the same process.
# Who is hurt: whoever logs in or reads anything in an asynchronous `configure`. It works with one resource, and with several that wait
#   for each other.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @pulumi/pulumi@3.270.0
cat >try.cjs <<'JS'
const { spawn } = require("node:child_process");
const { once } = require("node:events");
const { promisify } = require("node:util");
const grpc = require("@grpc/grpc-js");
const { ResourceProviderClient } = require("@pulumi/pulumi/proto/provider_grpc_pb.js");
const { ConfigureRequest, CreateRequest } = require("@pulumi/pulumi/proto/provider_pb.js");
const { Struct } = require("google-protobuf/google/protobuf/struct_pb.js");

// As the SDK writes a provider into the properties of its resources.
const provider = `exports.handler = () => {
  let session = "no session";
  return {
    configure: async ({ config }) => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      if (config.require("password") !== "right") throw new Error("wrong password");
      session = "a session";
    },
    create: async ({ name }) => ({ id: name, outs: { session } }),
  };
};`;

async function attempt(password) {
  // Pulumi's engine starts the same program and talks to it in the same way.
  const server = spawn(process.execPath, [require.resolve("@pulumi/pulumi/cmd/dynamic-provider"), "127.0.0.1:1"], {
    env: { ...process.env, PULUMI_NODEJS_PROJECT: "shop" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [port] = await once(server.stdout, "data");
  const client = new ResourceProviderClient(`127.0.0.1:${String(port).trim()}`, grpc.credentials.createInsecure());
  const configured = new ConfigureRequest();
  configured.setArgs(Struct.fromJavaScript({ "shop:password": password }));
  await promisify(client.configure).call(client, configured);
  const create = async (name) => {
    const request = new CreateRequest();
    request.setProperties(Struct.fromJavaScript({ name, __provider: provider }));
    const outcome = await promisify(client.create)
      .call(client, request)
      .then((answer) => `created with ${answer.getProperties().toJavaScript().session}`)
      .catch((error) => `fails: ${error.details}`);
    return `${password} password: ${name} ${outcome}`;
  };
  console.log((await Promise.all(["one", "two", "three"].map(create))).join("\n"));
  client.close();
  server.kill();
}

attempt("right").then(() => attempt("wrong"));
JS
cat >expected <<'TEXT'
right password: one created with a session
right password: two created with no session
right password: three created with no session
wrong password: one fails: wrong password
wrong password: two created with no session
wrong password: three created with no session
TEXT
node try.cjs | tee seen
diff expected seen
echo "As described: @pulumi/pulumi 3.270.0."
