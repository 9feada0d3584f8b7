import { Type } from "typebox";
import { ConfigSchema } from "../../config/schema.js";
import { answer, NEEDS_TOKEN, problems, V1 } from "../answers.js";
import type { Routes } from "../app.js";
import { CONFIG_EXAMPLE } from "../examples.js";
import {
  CHANGE_EXAMPLE,
  CHANGE_PROBLEMS,
  ChangeSchema,
  ifMatch,
  noneMatch,
  PersistSchema,
  sendOutcome,
} from "../outcome.js";
import { sendProblem } from "../problem.js";

/** `GET config`, `PUT config`. */
export const configRoutes: Routes = (app, { door }) => {
  app.get(
    `${V1}/config`,
    {
      schema: {
        operationId: "getConfig",
        tags: ["change"],
        summary: "The configuration in force, as written, with its ETag",
        description: "Keys that are absent have their defaults. The ETag is for If-Match of a later PUT.",
        headers: Type.Object({
          "if-none-match": Type.Optional(Type.String({ description: "An ETag: 304 where it is still the one." })),
        }),
        response: {
          200: answer("The configuration.", ConfigSchema, CONFIG_EXAMPLE),
          304: { description: "It is still that.", type: "null" },
          ...problems(),
        },
      },
    },
    (request, reply) => {
      void reply.header("ETag", door.etag).header("Cache-Control", "no-cache");
      return noneMatch(request.headers["if-none-match"], door.etag)
        ? reply.code(304).send(null)
        : reply.send(door.config);
    },
  );

  app.put(
    `${V1}/config`,
    {
      schema: {
        operationId: "putConfig",
        tags: ["change"],
        summary: "Replaces the whole configuration while traffic flows",
        description:
          "Needs If-Match with the ETag of GET, so that nobody's change is lost. What is fixed while hushbox runs is refused as a whole and listed.",
        security: NEEDS_TOKEN,
        headers: Type.Object({
          "if-match": Type.Optional(Type.String({ description: "The ETag that came with GET config." })),
        }),
        querystring: PersistSchema,
        body: { ...ConfigSchema, examples: [CONFIG_EXAMPLE] },
        response: {
          200: answer("It is in force.", ChangeSchema, CHANGE_EXAMPLE),
          ...problems(...CHANGE_PROBLEMS, "precondition-required"),
        },
      },
    },
    async (request, reply) => {
      const condition = ifMatch(request.headers["if-match"]);
      if (condition === undefined) return sendProblem(reply, "precondition-required");
      const wanted: unknown = request.body;
      const outcome = await door.change(() => wanted, {
        ifMatch: condition,
        persist: request.query.persist === "true",
      });
      return sendOutcome(reply, door, outcome);
    },
  );
};
