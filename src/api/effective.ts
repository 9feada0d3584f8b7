import { Type } from "typebox";
import { resolve, type Origin } from "../config/resolve.js";
import type { Config, DeviceFile } from "../config/schema.js";
import { DEFENSE_NAMES, showBudget, showDefenses, type DefenseName } from "../defense/schema.js";

const ValuesSchema = Type.Object(
  {
    values: Type.Record(Type.String(), Type.Unknown(), { description: "In the form of the configuration file." }),
    from: Type.Record(Type.String(), Type.Enum(["preset", "override", "device"]), {
      description: "Whence each value: the preset, the top-level overrides, or the device's own.",
    }),
  },
  { description: "Values in force." },
);

/** The values in force for one device, or for none in particular. */
export const EffectiveSchema = Type.Object({
  preset: Type.String(),
  defenses: Type.Object(
    Object.fromEntries(DEFENSE_NAMES.map((name) => [name, ValuesSchema])) as Record<DefenseName, typeof ValuesSchema>,
  ),
  budget: ValuesSchema,
});

/** The values in force in the file's form, and whence. */
export interface Effective {
  readonly preset: string;
  readonly defenses: Readonly<Record<DefenseName, Values>>;
  readonly budget: Values;
}
interface Values {
  readonly values: object;
  readonly from: Readonly<Record<string, Origin>>;
}

/** Resolves a configuration for a reader. */
export function effective(config: Config, device?: DeviceFile): Effective {
  const { preset, defenses, budget, origins } = resolve(config, device);
  const shown = showDefenses(defenses);
  const values = DEFENSE_NAMES.map((name) => [name, { values: shown[name], from: origins[name] }] as const);
  return {
    preset,
    defenses: Object.fromEntries(values) as Record<DefenseName, Values>,
    budget: { values: showBudget(budget), from: origins.budget },
  };
}
