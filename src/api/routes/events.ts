import { Type } from "typebox";
import { answer, problems, V1 } from "../answers.js";
import type { Routes } from "../app.js";
import { sendProblem } from "../problem.js";

const EXAMPLE =
  'retry: 2000\n\nid: 1\nevent: status\ndata: {"ready":true,"turning":true,"preset":"paper"}\n\nid: 2\nevent: change\ndata: {"changed":["/preset"],"milliseconds":0.4,"persisted":false}\n\n';

/** `GET events`. */
export const eventsRoutes: Routes = (app, { events }) => {
  app.get(
    `${V1}/events`,
    {
      exposeHeadRoute: false,
      schema: {
        operationId: "getEvents",
        tags: ["watch"],
        summary: "Server-sent events: the status once a second, and each change",
        description:
          "`event: status` carries what GET status answers; `event: change` follows a change of the configuration. A comment every 15 seconds. A reader that does not read is cut off.",
        response: {
          200: answer("A stream that does not end.", Type.String(), EXAMPLE, "text/event-stream"),
          ...problems("too-many-clients"),
        },
      },
    },
    (_request, reply) => {
      if (events.full) return sendProblem(reply.header("Retry-After", 10), "too-many-clients");
      reply.hijack();
      events.add(reply.raw, reply.getHeaders());
      return reply;
    },
  );
};
