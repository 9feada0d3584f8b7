import { Ajv } from "ajv";
import { Type } from "typebox";
import type { BudgetState } from "../datapath/handle.js";
import type { Log } from "../log/log.js";
import { StateFile } from "./state-file.js";

const validate = new Ajv().compile<BudgetState>(
  Type.Object({
    month: Type.String({ pattern: "^[0-9]{4}-(0[1-9]|1[0-2])$" }),
    bytes: Type.Record(Type.String(), Type.Number({ minimum: 0 })),
  }),
);

/** What decoys have cost this month, kept over restarts: `<state>/budget.json`. */
export class BudgetFile extends StateFile<BudgetState> {
  constructor(path: string, log: Log) {
    super(path, "the month's budget", validate, log);
  }
}
