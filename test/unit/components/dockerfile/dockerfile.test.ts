import { expect, test } from "vitest";
import {
  buildChoices,
  exposedPort,
  exposedPorts,
  isDockerfileName,
  type BuildChoice,
  type Choices,
} from "../../../../components/dockerfile/dockerfile.ts";

test.each<[what: string, dockerfile: string, port: number | undefined]>([
  ["the port of the only stage", "FROM scratch\nEXPOSE 7070\n", 7070],
  ["the first of several lines", "FROM scratch\nEXPOSE 7070\nEXPOSE 9090\n", 7070],
  ["the first of several ports in a line", "FROM scratch\nEXPOSE 7070 9090\n", 7070],
  ["a port with its protocol", "FROM scratch\nEXPOSE 7070/tcp\n", 7070],
  ["instructions in small letters and with indents", "from scratch\n  expose 7070\n", 7070],
  ["lines that end like those of Windows", "FROM scratch\r\nEXPOSE 7070\r\n", 7070],
  ["an instruction over two lines", "FROM scratch\nEXPOSE \\\n  7070\n", 7070],
  ["a file without a final newline", "FROM scratch\nEXPOSE 7070", 7070],
  ["the final stage, not the builder's", "FROM golang AS builder\nEXPOSE 1\nFROM scratch\nEXPOSE 7070\n", 7070],
  ["no port where only the builder has one", "FROM golang AS builder\nEXPOSE 1\nFROM scratch\n", undefined],
  ["a TCP port after a UDP port", "FROM scratch\nEXPOSE 53/udp\nEXPOSE 7070\n", 7070],
  ["no port in a comment", "FROM scratch\n# EXPOSE 7070\n", undefined],
  ["no port in a command", "FROM scratch\nRUN echo EXPOSE 7070\n", undefined],
  ["no port in a build argument", "FROM scratch\nEXPOSE $PORT\n", undefined],
  ["no port in an empty file", "", undefined],
  // Heredocs are text, whatever their lines look like.
  ["no port in a heredoc", "FROM scratch\nRUN <<EOF\nEXPOSE 1\nEOF\n", undefined],
  ["the port behind a heredoc", "FROM scratch\nRUN <<EOF\nEXPOSE 1\nEOF\nEXPOSE 7070\n", 7070],
  [
    "no FROM in a heredoc",
    "FROM scratch\nEXPOSE 7070\nCOPY <<Dockerfile /x\nFROM scratch\nEXPOSE 1\nDockerfile\n",
    7070,
  ],
  [
    "the port behind a heredoc in quotes",
    "FROM a\nRUN cat <<\"E O\" <<'F' > /x\nE\nEXPOSE 1\nE O\nF\nEXPOSE 7070\n",
    7070,
  ],
  ["the port behind two heredocs", "FROM a\nCOPY <<A <<-B /x/\nEXPOSE 1\nB\nA\nEXPOSE 2\n\tB\nEXPOSE 7070\n", 7070],
  ["the port behind a heredoc of another descriptor", "FROM a\nRUN cat 3<<EOF\nEXPOSE 1\nEOF\nEXPOSE 7070\n", 7070],
  ["the port behind a heredoc after a space", "FROM a\nRUN cat << EOF\nEXPOSE 1\nEOF\nEXPOSE 7070\n", 7070],
  ["the port behind a heredoc named like a variable", "FROM a\nRUN cat <<$E\nEXPOSE 1\n$E\nEXPOSE 7070\n", 7070],
  ["the port behind a shift with spaces", "FROM a\nRUN echo $((1 << 2))\nRUN <<E\nEXPOSE 1\nE\nEXPOSE 7070\n", 7070],
  ["no heredoc in JSON, nor in quotes", 'FROM a\nRUN ["<<E"]\nRUN echo "<<E"\nEXPOSE 7070\nE\n', 7070],
  ["the port behind a shift, which is no heredoc", "FROM a\nRUN echo $((1<<2))\nEXPOSE 7070\n", 7070],
  ["the port behind a heredoc that never ends", "FROM a\nRUN cat <<EOF\nEXPOSE 7070\n", 7070],
  // Stages that build on each other.
  [
    "the port of the stage that the final one builds on",
    "FROM scratch AS base\nEXPOSE 7070\nFROM base AS final\n",
    7070,
  ],
  ["its own port before that", "FROM scratch AS base\nEXPOSE 1\nFROM base\nEXPOSE 7070\n", 7070],
  ["a port over three stages", "FROM a AS x\nEXPOSE 7070\nFROM x AS y\nFROM y as z\n", 7070],
  ["a stage whatever its capitals", "FROM a AS Base\nEXPOSE 7070\nFROM --platform=$BUILDPLATFORM bASE\n", 7070],
  [
    "a stage that an argument names",
    "ARG KIND=prod\nFROM a AS prod\nEXPOSE 7070\nFROM a AS dev\nEXPOSE 1\nFROM ${KIND}\n",
    7070,
  ],
  ["a stage that is defined anew", "FROM a AS x\nEXPOSE 1\nFROM a AS x\nEXPOSE 7070\nFROM x\n", 7070],
  ["no port of a stage that is only copied from", "FROM a AS x\nEXPOSE 1\nFROM a\nCOPY --from=x /a /a\n", undefined],
  // Variables.
  ["a port in ENV", "FROM a\nENV PORT=7070\nEXPOSE $PORT\n", 7070],
  ["a port in ENV in its old form", "FROM a\nENV PORT 7070\nEXPOSE ${PORT}/tcp\n", 7070],
  ["a port in ENV in quotes", "FROM a\nENV A=1 PORT=\"7070\" B='2'\nEXPOSE ${PORT}\n", 7070],
  ["a port in an argument's default", "FROM a\nARG PORT=7070\nEXPOSE $PORT\n", 7070],
  ["a port in a global argument", "ARG PORT=7070\nFROM a\nARG PORT\nEXPOSE $PORT\n", 7070],
  ["no port in a global argument that the stage does not declare", "ARG PORT=7070\nFROM a\nEXPOSE $PORT\n", undefined],
  ["an argument after ENV", "FROM a\nENV PORT=1\nARG PORT=7070\nEXPOSE $PORT\n", 7070],
  ["ENV after an argument", "FROM a\nARG PORT=1\nENV PORT=7070\nEXPOSE $PORT\n", 7070],
  ["ENV before an argument without a value", "FROM a\nENV PORT=7070\nARG PORT\nEXPOSE $PORT\n", 7070],
  ["ENV made of an argument", "FROM a\nARG P=7070\nENV PORT=${P}\nEXPOSE $PORT\n", 7070],
  ["ENV of an earlier stage", "FROM a AS x\nENV PORT=7070\nFROM x\nEXPOSE $PORT\n", 7070],
  ["an argument of the stage that it builds on", "FROM a AS x\nARG PORT=7070\nFROM x\nEXPOSE $PORT\n", 7070],
  [
    "ENV before an argument of the stage that it builds on",
    "FROM a AS x\nENV PORT=7070\nARG PORT=1\nFROM x\nEXPOSE $PORT\n",
    7070,
  ],
  ["no argument of another stage", "FROM a AS x\nARG PORT=7070\nFROM a\nEXPOSE $PORT\n", undefined],
  ["an argument of the same instruction", "FROM a\nARG P=7070 PORT=$P\nEXPOSE $PORT\n", 7070],
  ["no variable of the same ENV", "FROM a\nENV P=1 PORT=$P\nEXPOSE $PORT 7070\n", 7070],
  ["a default", "FROM a\nEXPOSE ${PORT:-7070}\n", 7070],
  ["a default of a default", "ARG P=\nFROM a\nARG P\nARG Q=${P:-7070}\nEXPOSE $Q\n", 7070],
  ["two ports in one variable", 'FROM a\nENV PORTS="7070 9090"\nEXPOSE $PORTS\n', 7070],
  ["an argument before it is set anew", "FROM a\nENV P=7070\nEXPOSE $P\nENV P=1\n", 7070],
  ["a default that is a variable", "FROM a\nARG D=7070\nEXPOSE ${PORT:-${D}}\n", 7070],
  ["no port that is cut out of a variable", "FROM a\nENV P=7070.1\nEXPOSE ${P%.*}\n", undefined],
  ["no variable in single quotes", "FROM a\nENV P='$Q' Q=7070\nEXPOSE $P 9090\n", 9090],
  ["what must be set", "FROM a\nENV P=7070\nEXPOSE ${P:?set it}/tcp\n", 7070],
  ["what is set if a variable is", "FROM a\nENV TLS=1\nEXPOSE ${TLS:+8443}\n", 8443],
  // Form.
  ["the first port of a range", "FROM a\nEXPOSE 7070-7072\n", 7070],
  ["what is in the container, where the host's port is said, too", "FROM a\nEXPOSE 127.0.0.1:80:7070/tcp\n", 7070],
  ["a comment within an instruction", "FROM a\nEXPOSE \\\n# EXPOSE 1\n\n  7070\n", 7070],
  ["an instruction over two lines of another escape", "# escape=`\nFROM a\nEXPOSE `\n  7070\n", 7070],
  ["a byte order mark", "\ufeffFROM a\nEXPOSE 7070\n", 7070],
  ["no port that is for other images", "FROM a\nONBUILD EXPOSE 1\nONBUILD ONBUILD EXPOSE 2\n", undefined],
  [
    "no port in a heredoc of another frontend",
    "# syntax=acme/x\nFROM a\nRUN <<EOF\nEXPOSE 1\nEOF\nEXPOSE 7070\n",
    7070,
  ],
  ["no port in a continued command", "FROM a\nRUN echo \\\nEXPOSE 1\n", undefined],
])("finds %s", (_what, dockerfile, port) => expect(exposedPort(dockerfile)).toBe(port));

test.each<[what: string, dockerfile: string, choice: BuildChoice, port: number | undefined]>([
  ["of the stage that is built", "FROM a AS web\nEXPOSE 1\nFROM a AS api\nEXPOSE 2\n", { target: "web" }, 1],
  ["of a stage by another spelling", "FROM a AS Web\nEXPOSE 1\nFROM a\nEXPOSE 2\n", { target: "wEB" }, 1],
  ["of a stage by its number", "FROM a\nEXPOSE 1\nFROM a\nEXPOSE 2\n", { target: "0" }, 1],
  ["of no stage that there is", "FROM a\nEXPOSE 1\n", { target: "web" }, undefined],
  ["of a build argument", "FROM a\nARG PORT=1\nEXPOSE $PORT\n", { buildArgs: { PORT: "2" } }, 2],
  ["of a global build argument", "ARG PORT\nFROM a\nARG PORT\nEXPOSE $PORT\n", { buildArgs: { PORT: "2" } }, 2],
  ["of no argument that is not declared", "FROM a\nEXPOSE $PORT\n", { buildArgs: { PORT: "2" } }, undefined],
  [
    "of the stage that an argument chooses",
    "ARG BASE=x\nFROM a AS x\nEXPOSE 1\nFROM a AS y\nEXPOSE 2\nFROM $BASE\n",
    { buildArgs: { BASE: "y" } },
    2,
  ],
])("the port is that %s", (_what, dockerfile, choice, port) => expect(exposedPort(dockerfile, choice)).toBe(port));

test.each<[dockerfile: string, choices: Choices | undefined]>([
  ["FROM a\nRUN x\n", { stages: [], count: 1, args: new Set() }],
  [
    "ARG A\nFROM --platform=x a AS One\nARG B=1 C\nFROM b as two\nONBUILD ARG D\nRUN <<E\nARG X\nE\n",
    { stages: ["One", "two"], count: 2, args: new Set(["A", "B", "C", "D"]) },
  ],
  ["# syntax=docker/dockerfile:1.7\nFROM a\n", { stages: [], count: 1, args: new Set() }],
  ["# escape=`\n# syntax=example.org/other:1\nFROM a\n", undefined],
])("the choices of %j", (dockerfile, choices) => expect(buildChoices(dockerfile)).toEqual(choices));

test.each([
  ["Dockerfile", true],
  ["Dockerfile.web", true],
  ["Dockerfile-web", true],
  ["web.Dockerfile", true],
  ["web.dockerfile", true],
  ["Containerfile", true],
  ["Dockerfile.dockerignore", false],
  ["web.Dockerfile.dockerignore", false],
  ["Dockerfile.md", false],
  ["Dockerfile.j2", false],
  ["dockerfile_test.go", false],
  ["MyDockerfile", false],
  ["docker-compose.yml", false],
])("whether %s is a Dockerfile", (name, is) => expect(isDockerfileName(name)).toBe(is));

// Each would take time or memory without end if it were read again for each of its parts.
test.each<[what: string, dockerfile: (size: number) => string, port: number | undefined]>([
  [
    "values that are made of themselves twice",
    (n) => `FROM a\nENV A=aa\n${"ENV A=$A$A\n".repeat(n / 20)}EXPOSE 7070\n`,
    7070,
  ],
  ["defaults in defaults", (n) => `FROM a\nEXPOSE ${"${A:-".repeat(n)}7070${"}".repeat(n)} 7070\n`, 7070],
  ["here-documents without an end", (n) => `FROM a\n${"RUN <<E <<F <<G\n".repeat(n / 20)}EXPOSE 7070\n`, 7070],
  [
    "stages that build on one another",
    (n) => `FROM a AS s\nENV A=1\n${"FROM s AS s\nENV B=1\n".repeat(n)}EXPOSE 7070\n`,
    undefined,
  ],
  ["quotes that are open", (n) => `FROM a\nRUN ${`"'`.repeat(n)}x\nEXPOSE 7070\n`, 7070],
  ["spaces", (n) => `FROM a\nRUN${" ".repeat(n)}x${" ".repeat(n)}y\nEXPOSE 7070\n`, 7070],
  ["continued lines", (n) => `FROM a\nRUN x${"\\\n".repeat(n)}y\nEXPOSE 7070\n`, 7070],
  ["ONBUILD of ONBUILD", (n) => `FROM a\n${"ONBUILD ".repeat(n)}EXPOSE 1\nEXPOSE 7070\n`, 7070],
])("reads 50 000 %s", (_what, dockerfile, port) => expect(exposedPort(dockerfile(50_000))).toBe(port));

test.each<[expose: string, ports: string]>([
  ["", ""],
  ["7070 9090/TCP 53/udp 53", "7070/TCP 9090/TCP 53/UDP 53/TCP"],
  ["7070 7070/tcp", "7070/TCP"],
  ["7070/sctp 9090", "9090/TCP"],
  ["7070-7072/udp 80:9090 1-2-3 9-8", "7070/UDP 7071/UDP 7072/UDP 9090/TCP"],
  [
    "30000-40000/udp 8000-8009",
    "30000/UDP 8000/TCP 8001/TCP 8002/TCP 8003/TCP 8004/TCP 8005/TCP 8006/TCP 8007/TCP 8008/TCP 8009/TCP",
  ],
])("EXPOSE %s is %s, in this order", (expose, ports) => {
  const found = exposedPorts(`FROM a AS x\nEXPOSE ${expose}\nFROM x\n`);
  expect(found.map(({ port, transport }) => `${port}/${transport}`).join(" ")).toBe(ports);
});

test("a stage's own ports come before those that it builds on", () => {
  expect(exposedPorts("FROM a AS x\nEXPOSE 1 2\nFROM x\nEXPOSE 2 3\n").map(({ port }) => port)).toEqual([2, 3, 1]);
});
