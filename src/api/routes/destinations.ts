import { Type } from "typebox";
import { WATCHED_NAMES } from "../../defense/options.js";
import { REASONS } from "../../defense/pad/verdicts.js";
import { answer, NEEDS_TOKEN, problems, V1 } from "../answers.js";
import type { Routes } from "../app.js";
import { sendProblem } from "../problem.js";

const DestinationSchema = Type.Object({
  address: Type.String(),
  pathMtu: Type.Union([Type.Integer(), Type.Null()], {
    description: "Bytes of the largest IP packet that its path takes; null where nothing was learned.",
  }),
  off: Type.Array(
    Type.Object({
      mechanism: Type.Enum([...WATCHED_NAMES]),
      reason: Type.Enum([...REASONS], { description: "What spoke against it." }),
      secondsLeft: Type.Integer({ description: "Until it is tried again." }),
    }),
    { description: "Mechanisms of pad that it does not take." },
  ),
});

const EXAMPLE = {
  destinations: [
    { address: "198.51.100.7", pathMtu: null, off: [] },
    {
      address: "203.0.113.9",
      pathMtu: 1492,
      off: [{ mechanism: "udpSurplus", reason: "no answer", secondsLeft: 86123 }],
    },
  ],
};

/** `GET destinations`, `DELETE destinations`. */
export const destinationsRoutes: Routes = (app, { door }) => {
  app.get(
    `${V1}/destinations`,
    {
      schema: {
        operationId: "getDestinations",
        tags: ["watch"],
        summary: "The hosts that devices talk to, last used first, and which padding they do not take",
        description:
          "A mechanism of pad is off for a destination for a day once packets that it has grown get no further where plain ones do. At most 1024 hosts are remembered; what is off survives restarts.",
        response: {
          200: answer("The destinations.", Type.Object({ destinations: Type.Array(DestinationSchema) }), EXAMPLE),
          ...problems("not-ready"),
        },
      },
    },
    async (_request, reply) => {
      const reports = await door.destinations();
      if (reports === null) return sendProblem(reply, "not-ready");
      return {
        destinations: reports.map(({ off, ...report }) => ({
          ...report,
          off: off.map((refusal) => ({ ...refusal, secondsLeft: Math.ceil(refusal.secondsLeft) })),
        })),
      };
    },
  );

  app.delete(
    `${V1}/destinations`,
    {
      schema: {
        operationId: "deleteDestinations",
        tags: ["change"],
        summary: "Forgets which destinations do not take which padding",
        description:
          "Every mechanism is tried again with every destination: of use after a router or a provider has changed. Lengths that got lost are tried again, too; what routers say of the line at home stays.",
        security: NEEDS_TOKEN,
        response: {
          200: answer(
            "They are forgotten.",
            Type.Object({ forgotten: Type.Integer({ description: "Mechanisms that were off." }) }),
            { forgotten: 1 },
          ),
          ...problems("not-ready"),
        },
      },
    },
    async (_request, reply) => {
      const forgotten = await door.forgetDestinations();
      return forgotten === null ? sendProblem(reply, "not-ready") : { forgotten };
    },
  );
};
