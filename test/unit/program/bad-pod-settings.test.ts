import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findServices, type DiscoveryArgs } from "../../../components/service/find-services.ts";
import { problemLine } from "../../../core/problem.ts";

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "bad-pods-"))));
afterEach(() => rmSync(directory, { recursive: true }));

function write(files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
}

/** What is wrong with a service that says this of itself, as lines without the directory. */
function problems(settings: string, args: Partial<DiscoveryArgs> = {}): string[] {
  write({ "svc/link/Dockerfile": "FROM scratch\nEXPOSE 7070\n", "svc/link/service.yaml": settings });
  const found = findServices({
    app: { name: "shop", directory, services: "svc/*" },
    file: "stacks/Pulumi.dev.yaml",
    defaults: {},
    overrides: {},
    dependencies: new Set(),
    secrets: new Set(["key"]),
    images: { registry: "docker.io", organization: "acme", context: "service" },
    ...args,
  });
  return found.problems.map((problem) => problemLine(problem).replaceAll(`${directory}/`, ""));
}

describe("a service.yaml gets one clear error for", () => {
  const two = "ports: { http: 8080, rpc: { port: 9090, protocol: gRPC }, dns: { port: 53, protocol: UDP } }";
  test.each<[what: string, settings: string, location: string, hint: RegExp]>([
    ["ports in a list", "ports: [8080]", "ports", /\[8080\]: must be a map of names and ports, such as \{http: 8080/],
    [
      "no port at all",
      "ports: {}",
      "ports",
      /\{\}: must name a port; leave it out to have what the Dockerfile EXPOSEs/,
    ],
    [
      "a port in words",
      "ports: { http: web }",
      "ports.http",
      /"web": must be a port such as 8080, or \{port, protocol\}/,
    ],
    ["a port too high", "ports: { http: 65536 }", "ports.http", /65536: must be a port such as 8080/],
    ["a port's name in capitals", "ports: { HTTP: 1 }", "ports.HTTP", /up to 15 lower case letters, digits/],
    ["a port's name of digits", `ports: { "80": 80 }`, "ports.80", /with a letter among them/],
    ["a port's name of 16 characters", "ports: { abcdefghijklmnop: 1 }", "ports.abcdefghijklmnop", /up to 15/],
    ["a port's name with --", "ports: { a--b: 1 }", "ports.a--b", /single '-'/],
    [
      "an unknown protocol",
      "ports: { a: { port: 1, protocol: SCTP } }",
      "ports.a.protocol",
      /"SCTP": must be TCP, UDP or gRPC/,
    ],
    ["a protocol without a port", "ports: { a: { protocol: UDP } }", "ports.a.port", /missing; must be a whole number/],
    [
      "one number twice",
      "ports: { a: 80, b: { port: 80, protocol: gRPC } }",
      "ports.b",
      /number of a, too \(svc\/link\/service\.yaml: ports\.a\); of one number there can be one over TCP and one over UDP/,
    ],
    [
      "port beside ports",
      "port: 1\nports: { a: 2 }",
      "port",
      /1: has no effect beside svc\/link\/service\.yaml: ports; .*write it into that/,
    ],
    [
      "ports of a worker",
      "kind: worker\nports: { a: 2 }",
      "ports",
      /no effect on a worker, which nobody reaches at a port; remove it, or set `kind`/,
    ],
    [
      "a way in from outside without TCP",
      "ports: { dns: { port: 53, protocol: UDP } }\nexpose: true",
      "expose",
      /has no port over TCP/,
    ],
    [
      "a probe in one wrong word",
      "probes: { liveness: http }",
      "probes.liveness",
      /"http": must be a path such as \/healthz, tcp, grpc or none/,
    ],
    [
      "a probe of two kinds",
      `probes: { liveness: { path: /, exec: [a] } }`,
      "probes.liveness",
      /must have exactly one of path, tcp, grpc and exec/,
    ],
    [
      "a probe of no kind",
      `probes: { readiness: { timeoutSeconds: 2 } }`,
      "probes.readiness",
      /must have exactly one of/,
    ],
    [
      "a probe's port beside tcp",
      `${two}\nprobes: { liveness: { tcp: http, port: rpc } }`,
      "probes.liveness.port",
      /"rpc": has an effect beside `path` only/,
    ],
    [
      "a probe's service beside a path",
      `probes: { liveness: { path: /, service: a } }`,
      "probes.liveness.service",
      /"a": has an effect beside `grpc` only/,
    ],
    [
      "a probe's command in a line",
      `probes: { liveness: { exec: pgrep worker } }`,
      "probes.liveness.exec",
      /"pgrep worker": must be a list, with each word as an item; where the image has a shell, \[sh, -c, "…"\]/,
    ],
    [
      "a probe without a command",
      `probes: { liveness: { exec: [] } }`,
      "probes.liveness.exec",
      /\[\]: must name a program/,
    ],
    [
      "a probe at an unknown port",
      `probes: { liveness: { path: /, port: admin } }`,
      "probes.liveness",
      /"admin" is none of its ports; it has http/,
    ],
    [
      "a probe at a port over UDP",
      `${two}\nprobes: { readiness: { tcp: dns } }`,
      "probes.readiness",
      /its port dns is over UDP, .*; name another, or ask by \{exec\}/,
    ],
    [
      "a path at a port of gRPC",
      `${two}\nprobes: { readiness: { path: /, port: rpc } }`,
      "probes.readiness",
      /its port rpc speaks gRPC, at which no path is asked for; write grpc, or name another/,
    ],
    [
      "a path where all is gRPC",
      `ports: { rpc: { port: 1, protocol: gRPC } }\nprobes: { startup: / }`,
      "probes.startup",
      /its port rpc speaks gRPC/,
    ],
    [
      "a probe in no time",
      `probes: { liveness: { path: /, periodSeconds: 0 } }`,
      "probes.liveness.periodSeconds",
      /0: must be at least 1/,
    ],
    [
      "a start of more than an hour",
      `probes: { startup: { seconds: 3601 } }`,
      "probes.startup.seconds",
      /3601: is more than an hour/,
    ],
    [
      "a start without a limit or a check",
      `probes: { startup: { timeoutSeconds: 1 } }`,
      "probes.startup",
      /must have exactly one of/,
    ],
    [
      "a limit of a start that nothing asks for",
      "probes: { liveness: none, readiness: none, startup: { seconds: 9 } }",
      "probes.startup.seconds",
      /has no effect, since nothing is asked while it starts/,
    ],
    [
      "a worker's probe at a port",
      "kind: worker\nprobes: { liveness: grpc }",
      "probes.liveness",
      /no effect on a worker/,
    ],
    [
      "a limit of a worker's start without a command",
      "kind: worker\nprobes: { startup: { seconds: 9 } }",
      "probes.startup.seconds",
      /has no effect/,
    ],
    ["an unknown probe", "probes: { lifeness: /x }", "probes.lifeness", /unknown key/],
    ["a command in a line", "command: npm start", "command", /"npm start": must be a list, with each word as an item/],
    ["an empty command", "command: []", "command", /\[\]: must name a program/],
    ["arguments in a line", "args: --port=80", "args", /"--port=80": must be a list, with each argument as an item/],
    ["a number among arguments", "args: [--port, 80]", "args.1", /80: must be a string; quote it/],
    [
      "an unknown capability",
      "capabilities: [SYS_ADMIN]",
      "capabilities.0",
      /"SYS_ADMIN": must be one of those that Pod Security `baseline` allows: AUDIT_WRITE, /,
    ],
    ["one capability in a word", "capabilities: CHOWN", "capabilities", /"CHOWN": must be a list of capabilities/],
    ["no time to end", "terminationGracePeriodSeconds: 0", "terminationGracePeriodSeconds", /0: must be at least 1/],
    [
      "a pause that takes it all",
      "preStop: { sleep: 30 }",
      "preStop.sleep",
      /30 leaves nothing of the default of terminationGracePeriodSeconds, 30: .*; lower it, or raise that/,
    ],
    [
      "a pause that takes more",
      "preStop: { sleep: 11 }\nterminationGracePeriodSeconds: 10",
      "preStop.sleep",
      /11 leaves nothing of the 10 of svc\/link\/service\.yaml: terminationGracePeriodSeconds/,
    ],
    ["a stop in a line", "preStop: { exec: nginx -s quit }", "preStop.exec", /"nginx -s quit": must be a list/],
    ["a stop in two ways", "preStop: { sleep: 1, exec: [a] }", "preStop", /must have either sleep or exec/],
    ["scratch in a word", "scratch: /var/cache", "scratch", /"\/var\/cache": must be a list of directories/],
    [
      "a relative scratch directory",
      "scratch: [cache]",
      "scratch.0",
      /"cache": must be an absolute path such as \/var\/cache, or \{path, size\}/,
    ],
    [
      "a scratch directory with a slash at its end",
      "scratch: [/var/cache/]",
      "scratch.0",
      /must be an absolute path such as/,
    ],
    ["a scratch directory in /proc", "scratch: [{ path: /proc/x }]", "scratch.0.path", /"\/proc\/x": is the kernel's/],
    [
      "a scratch directory's size in words",
      "scratch: [{ path: /a, size: big }]",
      "scratch.0.size",
      /"big": must be a Kubernetes quantity of bytes/,
    ],
    [
      "a scratch directory twice",
      "scratch: [/a, /a]",
      "scratch",
      /\/a is mounted by svc\/link\/service\.yaml: scratch already; remove one/,
    ],
    ["files in a list", "files: [/a]", "files", /\["\/a"\]: must be a map of paths in the container, such as/],
    [
      "a file's content without its key",
      "files: { /a: b }",
      "files./a",
      /"b": must be \{content\}, \{file\} or \{secret\}/,
    ],
    [
      "a file of two contents",
      "files: { /a: { content: b, secret: key } }",
      "files./a",
      /must have exactly one of content, file and secret/,
    ],
    ["a file of no content", "files: { /a: {} }", "files./a", /must have exactly one of/],
    ["a file at a relative path", "files: { a: { content: b } }", "files.a", /"a": must be an absolute path/],
    [
      "a file where the scratch directory is",
      "scratch: [/a]\nfiles: { /a: { content: b } }",
      "files./a",
      /\/a is mounted by svc\/link\/service\.yaml: scratch already/,
    ],
    [
      "a file at /tmp",
      "files: { /tmp: { content: b } }",
      "files./tmp",
      /\/tmp is mounted by svc\/link: scratch already/,
    ],
    [
      "a file in a file",
      "files: { /a: { content: b }, /a/b: { content: b } }",
      "files./a/b",
      /\/a\/b lies in \/a, which is a file/,
    ],
    [
      "a secret that the stack has not",
      "files: { /a: { secret: no-such } }",
      "files./a.secret",
      /no secret "no-such"; set it with `pulumi config set --secret/,
    ],
    [
      "a file of the monorepo that is not there",
      "files: { /a: { file: a.conf } }",
      "files./a.file",
      /"a\.conf": there is no such file at svc\/link\/a\.conf; correct the path, which counts from svc\/link/,
    ],
    ["a directory for a file", "files: { /a: { file: . } }", "files./a.file", /there is no such file/],
    [
      "a file from elsewhere",
      "files: { /a: { file: ../../../etc/passwd } }",
      "files./a.file",
      /leads out of the monorepo; name a file in it/,
    ],
    [
      "a file of Git's own",
      "files: { /a: { file: ../../.git/config } }",
      "files./a.file",
      /Git does not have it|no such file/,
    ],
    ["a user that Kubernetes does not know", "user: 2147483648", "user", /2147483648: is above 2147483647, more than/],
    [
      "more pods than Kubernetes counts",
      "replicas: 3000000000",
      "replicas",
      /3000000000: is above 2147483647, more than/,
    ],
    [
      "more pods than it scales to",
      "autoscaling: { min: 1, max: 3000000000 }",
      "autoscaling.max",
      /is above 2147483647/,
    ],
    [
      "a probe that is hardly ever asked",
      "probes: { liveness: { path: /, periodSeconds: 3000000000 } }",
      "probes.liveness.periodSeconds",
      /is above 2147483647/,
    ],
    [
      "a run of many years",
      "kind: job\nactiveDeadlineSeconds: 99999999999999",
      "activeDeadlineSeconds",
      /99999999999999: is more than a year/,
    ],
    [
      "more attempts than Kubernetes counts",
      "kind: job\nbackoffLimit: 3000000000",
      "backoffLimit",
      /is above 2147483647/,
    ],
    ["a program without a name", "command: ['']", "command", /\[""\]: must name a program/],
    ["migrations without a program", "migrations: { command: [''] }", "migrations.command", /must name a program/],
    [
      "a share of the CPU that is none",
      "autoscaling: { min: 1, max: 2, cpu: 0 }",
      "autoscaling.cpu",
      /0: must be 1 to 100/,
    ],
    ["a secret without a name", "secrets: { A: '' }", "secrets.A", /"": must be the name of a secret of the stack/],
    ["a variable in Greek", "env: { Ω: a }", "env.Ω", /"Ω": is not the name of an environment variable/],
    ["an address for a host", "expose: { host: 10.0.0.1 }", "expose.host", /"10\.0\.0\.1": is an address/],
    ["a path with a query", "expose: { path: /a?b }", "expose.path", /"\/a\?b": is no path of requests/],
    [
      "a path with a part that is none",
      "expose: { path: /a/.. }",
      "expose.path",
      /"\/a\/\.\.": is no path of requests/,
    ],
    [
      "a volume that has the name of the one of files",
      "volumes: { files: { path: /a, size: 1Gi } }",
      "volumes.files",
      /"files": is what the volume of `files` is called/,
    ],
    [
      "more than the cluster keeps",
      `files: { /a: { content: "${"x".repeat(1_024_001)}" } }`,
      "files",
      /has 1001 KiB, and the cluster keeps at most 1000 of a service; let its Dockerfile copy them/,
    ],
  ])("%s", (_what, settings, location, hint) => {
    const found = problems(`${settings}\n`);
    expect(found.map((line) => line.slice(0, 300))).toHaveLength(1);
    expect(found[0]).toMatch(new RegExp(`^svc/link/service\\.yaml: ${location.replaceAll(".", "\\.")}: `));
    expect(found[0]).toMatch(hint);
  });

  test("several documents", () =>
    expect(problems("port: 1\n---\nport: 2\n")).toEqual([
      "svc/link/service.yaml: has several documents, and one is read; remove the lines `---` between them",
    ]));

  test("a link that leads out of the monorepo: a pull request could show what the machine has", () => {
    write({ "svc/link/Dockerfile": "" });
    symlinkSync("/etc/passwd", join(directory, "svc/link/users"));
    expect(problems("files: { /a: { file: users } }\n")).toEqual([
      `svc/link/service.yaml: files./a.file: "users": is a link that leads out of the monorepo; name a file in it`,
    ]);
  });
});

describe("defaults of all services", () => {
  test("that a worker cannot have are none of its own", () => {
    const defaults = { port: 8080, probes: { liveness: "/healthz", startup: { seconds: 90 } } };
    expect(problems("kind: worker\n", { defaults })).toEqual([]);
  });
  test("that do not fit one of them are said with its name", () => {
    const defaults = { probes: { liveness: { path: "/", port: "admin" } } };
    expect(problems("", { defaults })).toEqual([
      `stacks/Pulumi.dev.yaml: defaults.probes.liveness: link: "admin" is none of its ports; it has http`,
    ]);
  });
});
