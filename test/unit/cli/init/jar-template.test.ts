import { expect, test } from "vitest";
import { guessedStack } from "../../../support/guessed-stack.ts";

const template = "FROM eclipse-temurin:21\nARG JAR_NAME\nARG PORT\nCOPY ${JAR_NAME}.jar app.jar\nEXPOSE ${PORT}\n";
const files = {
  "pom.xml": "<artifactId>shop</artifactId><version>1.2</version>",
  "docker/Dockerfile": template,
  "shop-cart/pom.xml":
    "<parent><artifactId>shop</artifactId><version>1.2</version></parent><artifactId>shop-cart</artifactId><build><version>7</version></build>",
  "shop-cart/src/main/resources/application.yml": "mail: http://mail:8082\n",
  "shop-mail/pom.xml":
    "<parent><version>1.2</version></parent><artifactId>mailer</artifactId><version>0.9-SNAPSHOT</version><dependencies><version>7</version></dependencies>",
  "compose.yaml": `services:
  cart: { image: acme/shop-cart:latest, ports: ["8081:8081"] }
  mail: { image: acme/shop-mail, ports: ["8082:8082"] }
`,
};

test("one Dockerfile for the jars of all modules makes a service of each module that is run", () => {
  const { config, guess, accepted } = guessedStack(files);
  expect(accepted.problems).toEqual([]);
  const java = { resources: { requests: { memory: "256Mi" }, limits: { memory: "512Mi" } } };
  expect(config["services"]).toEqual({
    cart: {
      ...java,
      dockerfile: "docker/Dockerfile",
      context: "shop-cart",
      buildArgs: { JAR_NAME: "target/shop-cart-1.2", PORT: "8081" },
      build: { prepare: "mvn -B -q -pl shop-cart -am package -DskipTests" },
      peers: ["mail"],
    },
    mail: {
      ...java,
      dockerfile: "docker/Dockerfile",
      context: "shop-mail",
      buildArgs: { JAR_NAME: "target/mailer-0.9-SNAPSHOT", PORT: "8082" },
      build: { prepare: "mvn -B -q -pl shop-mail -am package -DskipTests" },
    },
  });
  expect(accepted.services.map(({ name, port }) => [name, port])).toEqual([
    ["cart", 8081],
    ["mail", 8082],
  ]);
  expect(guess.leftOut).toEqual([]);
});

test.each<[what: string, more: Record<string, string>]>([
  ["there are two of them", { "docker/Dockerfile.arm": template }],
  ["the argument has a default", { "docker/Dockerfile": template.replace("ARG JAR_NAME", "ARG JAR_NAME=app") }],
  ["a module has no version", { "shop-cart/pom.xml": "<artifactId>x</artifactId>", "shop-mail/pom.xml": "<x/>" }],
])("but not where %s", (_what, more) => {
  const { guess } = guessedStack({ ...files, "a/Dockerfile": "FROM x\nEXPOSE 80\n", ...more });
  expect(guess.services.map(({ name }) => name)).not.toContain("cart");
});
