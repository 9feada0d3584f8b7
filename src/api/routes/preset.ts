import { Type } from "typebox";
import type { Config } from "../../config/schema.js";
import { PRESET_NAMES, type PresetName } from "../../defense/presets.js";
import { answer, NEEDS_TOKEN, problems, V1 } from "../answers.js";
import type { Routes } from "../app.js";
import { CHANGE_EXAMPLE, CHANGE_PROBLEMS, ChangeSchema, ifMatch, PersistSchema, sendOutcome } from "../outcome.js";
import { sendProblem } from "../problem.js";
import { without } from "../without.js";

const BodySchema = Type.Object(
  {
    preset: Type.Enum([...PRESET_NAMES], { description: "The preset." }),
    device: Type.Optional(
      Type.String({ minLength: 1, maxLength: 32, description: "For this device alone; else the top level's." }),
    ),
  },
  { additionalProperties: false, examples: [{ preset: "paper" }, { preset: "off", device: "kitchen" }] },
);

/** `PUT preset`. */
export const presetRoutes: Routes = (app, { door }) => {
  app.put(
    `${V1}/preset`,
    {
      schema: {
        operationId: "putPreset",
        tags: ["change"],
        summary: "Turns the one dial while traffic flows",
        description:
          "Sets the preset and clears the overrides of defenses at its place, so that the preset is what one gets. Budgets stay.",
        security: NEEDS_TOKEN,
        headers: Type.Object({
          "if-match": Type.Optional(
            Type.String({ description: "Change only where this is still the configuration's ETag." }),
          ),
        }),
        querystring: PersistSchema,
        body: BodySchema,
        response: {
          200: answer("It is in force.", ChangeSchema, { ...CHANGE_EXAMPLE, changed: ["/preset"] }),
          ...problems(...CHANGE_PROBLEMS, "unknown-device"),
        },
      },
    },
    async (request, reply) => {
      const { preset, device } = request.body;
      const condition = ifMatch(request.headers["if-match"]);
      if (device !== undefined && door.config.devices.every((known) => known.name !== device))
        return sendProblem(reply, "unknown-device");
      const outcome = await door.change((config) => dialled(config, preset, device), {
        persist: request.query.persist === "true",
        ...(condition === undefined ? {} : { ifMatch: condition }),
      });
      return sendOutcome(reply, door, outcome);
    },
  );
};

/** The configuration with the preset set; null where the device is not there. */
function dialled(config: Config, preset: PresetName, device: string | undefined): Config | null {
  if (device === undefined) return { ...without(config, "defenses"), preset };
  if (config.devices.every((known) => known.name !== device)) return null;
  return {
    ...config,
    devices: config.devices.map((known) => (known.name === device ? { ...without(known, "defenses"), preset } : known)),
  };
}
