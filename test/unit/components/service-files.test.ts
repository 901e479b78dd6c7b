import { expect, test } from "vitest";
import { exposedPort } from "../../../components/service-files.ts";

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
  ["no port in a range", "FROM scratch\nEXPOSE 7070-7080\n", undefined],
  ["no port in an empty file", "", undefined],
])("finds %s", (_what, dockerfile, port) => expect(exposedPort(dockerfile)).toBe(port));
