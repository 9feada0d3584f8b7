import { Type } from "typebox";
import { DEFENSE_NAMES, DefensesSchema, type DefenseName } from "../../defense/schema.js";
import type { Config, DeviceFile } from "../../config/schema.js";
import { answer, NEEDS_TOKEN, problems, V1 } from "../answers.js";
import type { App, Modules, Routes } from "../app.js";
import { effective, EffectiveSchema, type Effective } from "../effective.js";
import { CONFIG_EXAMPLE } from "../examples.js";
import { CHANGE_EXAMPLE, CHANGE_PROBLEMS, ChangeSchema, ifMatch, PersistSchema, sendOutcome } from "../outcome.js";
import { sendProblem } from "../problem.js";
import { without } from "../without.js";

/** What stands for a value that is taken back: RFC 7396 spells it null. */
type Patch = Readonly<Record<string, unknown>>;

const PATCH_EXAMPLES: Readonly<Record<DefenseName, Patch>> = {
  pad: { target: "max" },
  jitter: { variance: 4, maxDelay: "10ms" },
  decoy: { enabled: true, kinds: ["udp", "icmp"] },
  pace: { interval: "10ms" },
  window: { enabled: true, size: "16KiB" },
  episode: { duration: "10s", plans: 2 },
};

const QuerySchema = Type.Object(
  {
    ...PersistSchema.properties,
    device: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 32,
        description: "For this device alone; else for all that have no preset of their own.",
      }),
    ),
  },
  { additionalProperties: false },
);

/** `GET defenses`, `PATCH defenses/{name}`. */
export const defensesRoutes: Routes = (app, modules) => {
  const { door } = modules;
  const all = () => ({
    ...effective(door.config),
    devices: door.config.devices.map((device) => ({ name: device.name, ...effective(door.config, device) })),
  });
  const AllSchema = Type.Object({
    ...EffectiveSchema.properties,
    devices: Type.Array(Type.Object({ name: Type.String(), ...EffectiveSchema.properties })),
  });
  const [kitchen] = CONFIG_EXAMPLE.devices;
  const example = {
    ...effective(CONFIG_EXAMPLE),
    devices: [{ name: "kitchen", ...effective(CONFIG_EXAMPLE, kitchen) }],
  };
  app.get(
    `${V1}/defenses`,
    {
      schema: {
        operationId: "getDefenses",
        tags: ["change"],
        summary: "The values in force, and where each comes from",
        description: "At the top level: what a device gets that says nothing of its own.",
        response: { 200: answer("Defenses and budgets.", AllSchema, example), ...problems() },
      },
    },
    all,
  );
  for (const name of DEFENSE_NAMES) patchRoute(app, modules, name);
};

function patchRoute(app: App, { door }: Modules, name: DefenseName): void {
  const schema = DefensesSchema.properties[name];
  app.patch(
    `${V1}/defenses/${name}`,
    {
      // A null takes an override back (RFC 7396). The schema knows values only, so nulls of known keys are set aside before it looks.
      preValidation: (request, _reply, done) => {
        request.takenBack = takeNulls(request.body, Object.keys(schema.properties));
        done();
      },
      schema: {
        operationId: `patch${name.charAt(0).toUpperCase()}${name.slice(1)}`,
        tags: ["change"],
        summary: `Changes values of ${name} while traffic flows`,
        description: "Keys that are absent stay; null takes an override back, so that the preset decides again.",
        security: NEEDS_TOKEN,
        headers: Type.Object({
          "if-match": Type.Optional(
            Type.String({ description: "Change only where this is still the configuration's ETag." }),
          ),
        }),
        querystring: QuerySchema,
        body: { ...schema, examples: [PATCH_EXAMPLES[name]] },
        response: {
          200: answer(
            "It is in force.",
            Type.Object({
              ...ChangeSchema.properties,
              effective: EffectiveSchema.properties.defenses.properties[name],
            }),
            { ...CHANGE_EXAMPLE, effective: effective(CONFIG_EXAMPLE, CONFIG_EXAMPLE.devices[0]).defenses[name] },
          ),
          ...problems(...CHANGE_PROBLEMS, "unknown-device"),
        },
      },
    },
    async (request, reply) => {
      const { device } = request.query;
      const body: Patch = request.body;
      const condition = ifMatch(request.headers["if-match"]);
      if (device !== undefined && door.config.devices.every((known) => known.name !== device))
        return sendProblem(reply, "unknown-device");
      const outcome = await door.change((config) => patched(config, device, name, body, request.takenBack), {
        persist: request.query.persist === "true",
        ...(condition === undefined ? {} : { ifMatch: condition }),
      });
      return sendOutcome(reply, door, outcome, () => ({ effective: effectiveOf(door.config, device).defenses[name] }));
    },
  );
}

declare module "fastify" {
  interface FastifyRequest {
    /** Keys whose override a PATCH takes back. */
    takenBack: readonly string[];
  }
}

function takeNulls(body: unknown, known: readonly string[]): string[] {
  if (typeof body !== "object" || body === null) return [];
  const values = body as Record<string, unknown>;
  const nulls = known.filter((key) => Object.hasOwn(values, key) && values[key] === null);
  for (const key of nulls) Reflect.deleteProperty(values, key);
  return nulls;
}

function effectiveOf(config: Config, device: string | undefined): Effective {
  return effective(config, device === undefined ? undefined : config.devices.find((known) => known.name === device));
}

/** The configuration with one defense's overrides changed; null where the device is not there. */
function patched(
  config: Config,
  device: string | undefined,
  name: DefenseName,
  patch: Patch,
  takenBack: readonly string[],
): unknown {
  if (device === undefined) return withOverrides(config, name, patch, takenBack);
  if (config.devices.every((known) => known.name !== device)) return null;
  return {
    ...config,
    devices: config.devices.map((known) =>
      known.name === device ? withOverrides(known, name, patch, takenBack) : known,
    ),
  };
}

/** Overrides that become empty go, so that the file does not fill with empty maps. */
function withOverrides(
  owner: Config | DeviceFile,
  name: DefenseName,
  patch: Patch,
  takenBack: readonly string[],
): unknown {
  const merged: Record<string, unknown> = { ...owner.defenses?.[name], ...patch };
  for (const key of takenBack) Reflect.deleteProperty(merged, key);
  const empty = Object.keys(merged).length === 0;
  const defenses = empty ? without(owner.defenses ?? {}, name) : { ...owner.defenses, [name]: merged };
  return Object.keys(defenses).length === 0 ? without(owner, "defenses") : { ...owner, defenses };
}
