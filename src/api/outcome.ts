import type { FastifyReply } from "fastify";
import { Type } from "typebox";
import type { Door, Outcome } from "./door.js";
import { sendProblem } from "./problem.js";

/** What a change answers. */
export const ChangeSchema = Type.Object({
  changed: Type.Array(Type.String(), { description: "JSON pointers of what is another now, in the configuration." }),
  milliseconds: Type.Number({ description: "How long it took until packets saw it." }),
  persisted: Type.Boolean({ description: "Whether the file holds it." }),
  etag: Type.String({ description: "The configuration's tag now." }),
});

/** An example of it. */
export const CHANGE_EXAMPLE = {
  changed: ["/defenses/jitter/variance"],
  milliseconds: 0.4,
  persisted: false,
  etag: '"9Vq0uUeYyN3rGZJ0mX1k2A"',
};

/** Whether a change is to be written to the file too: `?persist=true`. */
export const PersistSchema = Type.Object(
  {
    persist: Type.Optional(
      Type.Enum(["true", "false"], {
        description: "Also write it to the configuration file, keeping its comments and order.",
      }),
    ),
  },
  { additionalProperties: false },
);

/** The problems that a change may meet. */
export const CHANGE_PROBLEMS = [
  "malformed-json",
  "invalid-query",
  "restart-required",
  "file-changed",
  "precondition-failed",
  "too-large",
  "unsupported-media-type",
  "invalid",
  "file-unwritable",
  "not-ready",
] as const;

/** Answers with what became of a change; `more` adds to a good answer. */
export function sendOutcome(
  reply: FastifyReply,
  door: Door,
  outcome: Outcome,
  more: () => object = () => ({}),
): FastifyReply {
  switch (outcome.result) {
    case "applied": {
      const { changed, milliseconds, persisted } = outcome;
      const { etag } = door;
      return reply.header("ETag", etag).send({ changed, milliseconds, persisted, etag, ...more() });
    }
    case "invalid":
    case "restart-required":
      return sendProblem(
        reply,
        outcome.result,
        undefined,
        outcome.problems.map(({ path, message }) => ({ path, message })),
      );
    case "file-changed":
    case "file-unwritable":
    case "not-ready":
      return sendProblem(reply, outcome.result, outcome.message);
    case "unknown-device":
    case "precondition-failed":
      return sendProblem(reply, outcome.result);
  }
}

/** The condition of an If-Match header (RFC 9110, 13.1.1: weak tags never match), or undefined where there is none. */
export function ifMatch(header: string | undefined): ((etag: string) => boolean) | undefined {
  if (header === undefined) return undefined;
  const tags = header.split(",").map((tag) => tag.trim());
  return (etag) => tags.includes("*") || tags.includes(etag);
}

/** Whether an If-None-Match header (RFC 9110, 13.1.2: weak tags match too) names the tag. */
export function noneMatch(header: string | undefined, etag: string): boolean {
  const tags = (header ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(etag);
}
