import { join } from "node:path";
import { parseArgs } from "node:util";
import { ConfigFile } from "../config/config-file.js";
import { compile } from "../config/settings.js";
import { guardedOf } from "../daemon/bridging.js";
import { GuardFile } from "../daemon/guard-file.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { SILENT } from "../log/log.js";
import { GuardTable, type Guarded } from "../nic/guard-table.js";
import type { Command } from "./command.js";
import { DEFAULT_CONFIG } from "./client.js";

const DEFAULT_STATE = "/var/lib/hushbox";

/** `hushbox guard`: what does not pass while the daemon does not run. */
export const command: Command = {
  summary: "keep devices offline while the box does not run, where onFailure is closed",
  usage: `Usage: hushbox guard [--config FILE] [--state DIR] [--off]

Makes the kernel's bridges do what onFailure says while hushbox does not run: with closed, an nftables table drops
whatever the devices send outside or get from there, with isolate to and from other stations too; with open, that table
is removed. hushbox-guard.service does this before the network is up. Where the configuration cannot be read, what was
guarded last is guarded again.
Needs CAP_NET_ADMIN, or root.

  --config FILE   the configuration (default ${DEFAULT_CONFIG})
  --state DIR     where the daemon noted what it guards (default ${DEFAULT_STATE})
  --off           removes the table whatever the configuration says, until hushbox or this command is started again

Example:
  sudo hushbox guard --config /etc/hushbox/hushbox.yaml
`,
  run,
};

function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      config: { type: "string", default: DEFAULT_CONFIG },
      state: { type: "string", default: DEFAULT_STATE },
      off: { type: "boolean", default: false },
    },
  });
  const guard = new GuardTable();
  const { guarded, complaint } = values.off ? { guarded: null, complaint: null } : wanted(values.config, values.state);
  if (guarded === null) {
    const was = guard.remove();
    console.log(was ? "removed the guard: without hushbox a bridge passes everything" : "no guard is in force");
  } else {
    guard.load(guarded);
    const n = guarded.devices.length;
    console.log(`guarded: without hushbox nothing of ${n} device${n === 1 ? "" : "s"} passes ${guarded.outside}`);
  }
  if (complaint === null) return Promise.resolve(0);
  throw complaint;
}

/** What to guard; null: nothing. Where the configuration is of no use: what was guarded last, with the complaint. */
function wanted(config: string, state: string): { guarded: Guarded | null; complaint: HushboxError | null } {
  try {
    const settings = compile(ConfigFile.read(config).config);
    return { guarded: settings.onFailure === "closed" ? guardedOf(settings) : null, complaint: null };
  } catch (error) {
    if (!(error instanceof HushboxError)) throw error;
    const last = new GuardFile(join(state, "guard.json"), SILENT).load();
    if (last === null) throw error;
    return {
      guarded: last,
      complaint: new HushboxError(error.code, `guarded what was guarded last, since\n${error.message}`, error),
    };
  }
}
