import { expect, test } from "vitest";
import { guessedStack } from "../../../support/guessed-stack.ts";

test("a service has the variables that it is run with; those that are wrong in a cluster are named, and why", () => {
  const { config, text, accepted } = guessedStack({
    "svc/a/Dockerfile": "FROM x\nENV SAME=1\nEXPOSE 8080\n",
    "compose.yaml": `services:
  a:
    build: svc/a
    volumes: ["data:/var/lib/a", "./a.conf:/etc/a.conf:ro", "./svc/a:/src", "/var/run/docker.sock:/var/run/docker.sock"]
    environment:
      PORT: "8080"
      SAME: "1"
      EMPTY: ""
      OPEN: \${NOWHERE}
      COLLECTOR: http://otel:4317
      OTEL_HOST: otel
      PAGE: http://localhost:8080/
      NODE_ENV: development
      SUBNETS: "[127.0.0.1/32]"
      KIND: otel
  otel: { image: otel/opentelemetry-collector }
`,
  });
  expect(accepted.problems).toEqual([]);
  expect(config["services"]).toEqual({ a: { env: { PORT: "8080", SUBNETS: "[127.0.0.1/32]", KIND: "otel" } } });
  expect(text).toContain(
    "# not taken from compose.yaml: COLLECTOR, OTEL_HOST (otel: no service here); PAGE (for one machine); NODE_ENV (for development)",
  );
  expect(text).toContain("# → compose.yaml mounts /var/lib/a, /etc/a.conf: `volumes` or `files`");
});

test("arguments have the hosts that are here, and tell whom a service calls", () => {
  const { config, accepted } = guessedStack({
    Dockerfile: "FROM x\nEXPOSE 9000\n",
    "compose.yaml": `services:
  shop_back: { build: ., command: [--name=shop_back, --port, "9000"], ports: [9000] }
  shop_front: { build: ., command: [--backend, "http://shop_back:9000/x"], ports: [9000] }
`,
  });
  expect(accepted.problems).toEqual([]);
  expect(config["services"]).toMatchObject({
    "shop-back": { args: ["--name=shop-back", "--port", "9000"] },
    "shop-front": { args: ["--backend", "http://shop-back:9000/x"], peers: ["shop-back"] },
  });
});
