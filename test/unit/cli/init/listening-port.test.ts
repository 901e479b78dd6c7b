import { expect, test } from "vitest";
import { guessedStack } from "../../../support/guessed-stack.ts";

test.each<[what: string, file: string, text: string, port: number | undefined]>([
  ["Spring Boot", "application.yml", "spring: { x: y }\n---\nserver:\n  port: 8081\n", 8081],
  ["Spring Boot in one line", "config/application.yaml", "server.port: 8082\n", 8082],
  ["Spring Boot's properties", "application.properties", "a=b\nserver.port = ${PORT:8083}\n", 8083],
  ["Micronaut", "bootstrap.yml", "micronaut:\n  server:\n    port: ${HTTP:8084}\n", 8084],
  ["a port that is chosen at the start", "application.yml", "server:\n  port: 0\n", undefined],
  ["a variable without a default", "application.yml", "server:\n  port: ${PORT}\n", undefined],
])("the configuration of %s tells the port", (_what, file, text, port) => {
  const { accepted } = guessedStack({
    "svc/a/Dockerfile": "FROM eclipse-temurin:21\n",
    "svc/a/pom.xml": "",
    [`svc/a/src/main/resources/${file}`]: text,
  });
  expect(accepted.problems).toEqual([]);
  expect(accepted.services.map((service) => service.port)).toEqual([port]);
});

test("services of several files of Compose are found by the names that they have in each", () => {
  const { config, accepted } = guessedStack({
    "svc/a/Dockerfile": "FROM x\nEXPOSE 80\n",
    "svc/b/Dockerfile": "FROM x\nEXPOSE 80\n",
    "compose.yaml": "services:\n  a: { build: svc/a }\n  b: { image: acme/b }\n",
    "compose.cloud.yaml": "services:\n  a: { environment: { B_URL: 'http://back:80' } }\n  back: { image: acme/b }\n",
  });
  expect(accepted.problems).toEqual([]);
  expect(config["services"]).toEqual({ a: { peers: ["b"] } });
});
