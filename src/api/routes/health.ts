import { Type } from "typebox";
import { answer, problems } from "../answers.js";
import type { Routes } from "../app.js";
import { PROBLEMS, sendProblem, type ProblemWord } from "../problem.js";

const StateSchema = Type.Object({ status: Type.String() });

/** For machines that watch: `/healthz`, `/readyz`, `/metrics`; for people that met a problem: `/problems/{word}`. */
export const healthRoutes: Routes = (app, { door, metrics }) => {
  app.get(
    "/healthz",
    {
      config: { access: "open" },
      schema: {
        operationId: "getHealth",
        tags: ["watch"],
        summary: "Whether the datapath's loop turns",
        response: { 200: answer("It turns.", StateSchema, { status: "turning" }), ...problems("not-turning") },
      },
    },
    (_request, reply) => (door.turning ? { status: "turning" } : sendProblem(reply, "not-turning")),
  );

  app.get(
    "/readyz",
    {
      config: { access: "open" },
      schema: {
        operationId: "getReadiness",
        tags: ["watch"],
        summary: "Whether packets flow",
        response: { 200: answer("They flow.", StateSchema, { status: "ready" }), ...problems("not-ready") },
      },
    },
    (_request, reply) => (door.ready ? { status: "ready" } : sendProblem(reply, "not-ready")),
  );

  app.get(
    "/metrics",
    {
      schema: {
        operationId: "getMetrics",
        tags: ["watch"],
        summary: "All metrics in the Prometheus text format",
        response: {
          200: answer(
            "The metrics.",
            Type.String(),
            'hushbox_datapath_packets_total{direction="up",kind="real"} 5210\n',
            "text/plain",
          ),
          ...problems(),
        },
      },
    },
    async (_request, reply) => {
      const { contentType, text } = await metrics.scrape();
      return reply.type(contentType).serializer(String).send(text);
    },
  );

  app.get(
    "/problems/:word",
    {
      config: { access: "open" },
      schema: {
        operationId: "getProblem",
        tags: ["watch"],
        summary: "What a kind of problem means and what to do",
        params: Type.Object({ word: Type.String({ examples: ["precondition-failed"] }) }),
        response: {
          200: answer(
            "The kind of problem.",
            Type.Object({ type: Type.String(), title: Type.String(), status: Type.Integer(), advice: Type.String() }),
            described("precondition-failed"),
          ),
          ...problems("not-found"),
        },
      },
    },
    (request, reply) => {
      const { word } = request.params;
      return Object.hasOwn(PROBLEMS, word) ? described(word as ProblemWord) : sendProblem(reply, "not-found");
    },
  );
};

function described(word: ProblemWord) {
  const [status, title, advice] = PROBLEMS[word];
  return { type: `/problems/${word}`, title, status, advice };
}
