import { answer, problems, V1 } from "../answers.js";
import type { Routes } from "../app.js";
import { statusOf, StatusSchema } from "../status.js";
import { STATUS_EXAMPLE } from "../examples.js";

/** `GET status`. */
export const statusRoutes: Routes = (app, { door }) => {
  app.get(
    `${V1}/status`,
    {
      schema: {
        operationId: "getStatus",
        tags: ["watch"],
        summary: "What the box does now",
        response: { 200: answer("The status.", StatusSchema, STATUS_EXAMPLE), ...problems() },
      },
    },
    () => statusOf(door),
  );
};
