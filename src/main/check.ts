import { parseArgs } from "node:util";
import { ConfigFile } from "../config/config-file.js";
import { compile } from "../config/settings.js";
import type { Finding } from "../daemon/check/finding.js";
import { checkHost } from "../daemon/check/host-check.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { checkAccessPoint } from "../setup/check-access-point.js";
import { Host, SystemRunner } from "../setup/host.js";
import type { Command } from "./command.js";
import { DEFAULT_CONFIG } from "./client.js";

/** `hushbox check`: the configuration and the host. */
export const command: Command = {
  summary: "check the configuration and this machine, and say what to do about each finding",
  usage: `Usage: hushbox check [--config FILE] [--json]

Reads the configuration (each mistake with line and column) and looks at the host: interfaces, permissions,
offloads, bridges, state directory, API port, clock, and the access point where the inside card is a radio.
Changes nothing.
Exit status 0 where hushbox would run (warnings aside), 1 where it would not.

  --config FILE   the configuration (default ${DEFAULT_CONFIG})
  --json          the findings as one object

Example:
  sudo hushbox check --config hushbox.yaml
`,
  run,
};

async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { config: { type: "string", default: DEFAULT_CONFIG }, json: { type: "boolean", default: false } },
  });
  const findings = await look(values.config);
  const good = findings.every(({ status }) => status !== "fail");
  console.log(values.json ? JSON.stringify({ ok: good, findings }) : inWords(findings, good));
  return good ? 0 : 1;
}

async function look(path: string): Promise<Finding[]> {
  try {
    const { config } = ConfigFile.read(path);
    const fine: Finding = { status: "ok", what: "configuration", message: `${path} is valid` };
    const settings = compile(config);
    const machine = new Host("/", true, new SystemRunner());
    return [
      fine,
      ...(await checkHost(settings)),
      ...(await checkAccessPoint(machine, { ...settings.cards, isolate: settings.datapath.isolate })),
    ];
  } catch (error) {
    if (!(error instanceof HushboxError)) throw error;
    return error.message.split("\n").map((message) => ({ status: "fail", what: "configuration", message }));
  }
}

const MARKS = { ok: "ok  ", warn: "WARN", fail: "FAIL" } as const;

function inWords(findings: readonly Finding[], good: boolean): string {
  const lines = findings.map(
    ({ status, what, message, advice }) =>
      `${MARKS[status]}  ${what}: ${message}${advice === undefined ? "" : `\n      -> ${advice}`}`,
  );
  return [...lines, good ? "hushbox would run" : "hushbox would not run"].join("\n");
}
