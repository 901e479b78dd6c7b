import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { z } from "zod";
import { isAddressedBy, organizationSlug, type Organization, type State } from "../state.ts";
import { badRequest, bodyOf, conflict, isUuid, notFound, textSchema, type ApiEnv } from "./request.ts";

const organizationSchema = z.object({ name: textSchema, vcs_type: z.enum(["circleci", "github", "bitbucket"]) });

/** The account of the token, and its organizations. Only standalone ones exist here: the others belong to accounts at GitHub or Bitbucket. */
export const organizations = new Hono<ApiEnv>()
  .get("/me", (c) => c.json(c.var.state.user))
  .get("/me/collaborations", (c) =>
    c.json(
      c.var.state.organizations.map((organization) => ({
        ...organizationView(organization),
        "vcs-type": "circleci",
        avatar_url: null,
      })),
    ),
  )
  .post("/organization", (c) => {
    const { state } = c.var;
    const { name, vcs_type: type } = bodyOf(c, organizationSchema);
    if (type !== "circleci")
      throw badRequest(
        `vcs_type: a ${type} organization comes from an account there, which the stand-in has none of; use circleci.`,
      );
    if (state.organizations.some((known) => known.name === name))
      throw conflict("An organization with this name already exists.");
    const organization: Organization = { id: randomUUID(), name };
    state.organizations.push(organization);
    return c.json(organizationView(organization), 201);
  })
  .get("/organization/:organization", (c) =>
    c.json(organizationView(organizationById(c.var.state, c.req.param("organization")))),
  );

export function organizationById(state: State, id: string): Organization {
  if (!isUuid(id)) throw badRequest("The organization ID provided is invalid.");
  return organizationAt(state, "circleci", id);
}

/** The organization of a slug's first two parts. */
export function organizationAt(state: State, vcs: string, part: string): Organization {
  const organization =
    vcs === "circleci" ? state.organizations.find((known) => isAddressedBy(part, known.id)) : undefined;
  if (organization === undefined) throw notFound("Organization");
  return organization;
}

function organizationView(organization: Organization) {
  return { id: organization.id, name: organization.name, slug: organizationSlug(organization), vcs_type: "circleci" };
}
