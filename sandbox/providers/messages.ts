import * as grpc from "@grpc/grpc-js";
import any from "google-protobuf/google/protobuf/any_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import status from "@pulumi/pulumi/proto/status_pb.js";
import { errorMessage } from "../../core/error.ts";
import type { PropertyMap } from "./property.ts";
import { ResourceInitError } from "./resource-provider.ts";
import type { CheckFailure, DiffKind, DiffResult } from "./resource-provider.ts";

// The provider protocol's messages, from and to the plain values of `resource-provider.ts`.

/** A failed readiness travels as a typed detail, any other error as its message. */
export function serviceError(error: unknown): Partial<grpc.StatusObject> {
  const message = errorMessage(error);
  if (!(error instanceof ResourceInitError)) return { code: grpc.status.UNKNOWN, details: message };
  const detail = new proto.ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setProperties(toStruct(error.outputs));
  detail.setInputs(toStruct(error.inputs));
  detail.setReasonsList(error.reasons);
  const packed = new any.Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const response = new status.Status();
  response.setCode(grpc.status.UNKNOWN);
  response.setMessage(message);
  response.addDetails(packed);
  const metadata = new grpc.Metadata();
  // gRPC for Node has no API for typed error details; this header is how they travel.
  metadata.add("grpc-status-details-bin", Buffer.from(response.serializeBinary()));
  return { code: grpc.status.UNKNOWN, details: message, metadata };
}

export function reference(request: { getUrn(): string; getType(): string; getName(): string }) {
  return { urn: request.getUrn(), type: request.getType(), name: request.getName() };
}

export function diffRequest(request: proto.DiffRequest | proto.UpdateRequest) {
  return {
    ...reference(request),
    id: request.getId(),
    olds: map(request.getOlds()),
    oldInputs: map(request.getOldInputs()),
    news: map(request.getNews()),
    ignoreChanges: request.getIgnorechangesList(),
  };
}

export function checkResponse(result: { inputs: PropertyMap; failures?: CheckFailure[] }): proto.CheckResponse {
  const response = new proto.CheckResponse();
  response.setInputs(toStruct(result.inputs));
  response.setFailuresList(failures(result.failures));
  return response;
}

export function failures(list: CheckFailure[] = []): proto.CheckFailure[] {
  return list.map(({ property, reason }) => {
    const failure = new proto.CheckFailure();
    failure.setProperty(property);
    failure.setReason(reason);
    return failure;
  });
}

const kinds: Record<DiffKind, proto.PropertyDiff.Kind> = {
  add: proto.PropertyDiff.Kind.ADD,
  "add-replace": proto.PropertyDiff.Kind.ADD_REPLACE,
  delete: proto.PropertyDiff.Kind.DELETE,
  "delete-replace": proto.PropertyDiff.Kind.DELETE_REPLACE,
  update: proto.PropertyDiff.Kind.UPDATE,
  "update-replace": proto.PropertyDiff.Kind.UPDATE_REPLACE,
};

export function diffResponse(result: DiffResult): proto.DiffResponse {
  const entries = Object.entries(result.detailedDiff);
  const response = new proto.DiffResponse();
  response.setChanges(
    entries.length > 0 ? proto.DiffResponse.DiffChanges.DIFF_SOME : proto.DiffResponse.DiffChanges.DIFF_NONE,
  );
  response.setDiffsList([...new Set(entries.map(([path]) => topLevel(path)))]);
  response.setReplacesList([
    ...new Set(entries.filter(([, kind]) => kind.endsWith("-replace")).map(([path]) => topLevel(path))),
  ]);
  response.setHasdetaileddiff(true);
  response.setDeletebeforereplace(result.deleteBeforeReplace ?? false);
  for (const [path, kind] of entries) {
    const difference = new proto.PropertyDiff();
    difference.setKind(kinds[kind]);
    difference.setInputdiff(true);
    response.getDetaileddiffMap().set(path, difference);
  }
  return response;
}

function topLevel(path: string): string {
  return path.split(/[.[]/, 1)[0] ?? path;
}

export function map(message: struct.Struct | undefined): PropertyMap {
  return message?.toJavaScript() ?? {};
}

export function toStruct(properties: PropertyMap): struct.Struct {
  return struct.Struct.fromJavaScript(properties);
}
