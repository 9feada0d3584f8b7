import { Ajv } from "ajv";
import { Type } from "typebox";
import type { VerdictState } from "../datapath/handle.js";
import { WATCHED_NAMES } from "../defense/options.js";
import { REASONS } from "../defense/pad/verdicts.js";
import type { Log } from "../log/log.js";
import { MOST_VERDICTS } from "./kept-verdicts.js";
import { StateFile } from "./state-file.js";

const validate = new Ajv().compile<readonly VerdictState[]>(
  Type.Array(
    Type.Object({
      address: Type.String({ maxLength: 45 }),
      mechanism: Type.Enum([...WATCHED_NAMES]),
      reason: Type.Enum([...REASONS]),
      until: Type.Number({ minimum: 0 }),
    }),
    { maxItems: MOST_VERDICTS },
  ),
);

/** Which destinations do not take which padding, kept over restarts: `<state>/destinations.json`. */
export class VerdictFile extends StateFile<readonly VerdictState[]> {
  constructor(path: string, log: Log) {
    super(path, "what is known of destinations", validate, log);
  }
}
