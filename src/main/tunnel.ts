import { parseArgs } from "node:util";
import { ConfigFile } from "../config/config-file.js";
import { compile } from "../config/settings.js";
import { loadRules, removeAll } from "../daemon/tunnel/network.js";
import { bootRules } from "../daemon/tunnel/rules.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { DEFAULT_CONFIG } from "./client.js";
import type { Command } from "./command.js";

/** `hushbox tunnel`: the kill switch without the daemon. */
export const command: Command = {
  summary: "the kill switch of a tunnel: before the daemon runs, and when it is no longer wanted",
  usage: `Usage: hushbox tunnel guard [--config FILE]
       hushbox tunnel down

guard   loads the kill switch before the network is up: what the configured devices send stays in the local network
        until \`hushbox run\` opens the way through the tunnel
        (deploy/gateway/hushbox-tunnel-guard.service does this at boot)
down    takes the kill switch, its routes and the pair to the datapath away, which outlive the daemon: the devices'
        traffic passes without a tunnel from then on. For when hushbox is not to run any more

  --config FILE   the configuration (default ${DEFAULT_CONFIG})

Example:
  sudo systemctl stop hushbox && sudo hushbox tunnel down
`,
  run,
};

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { config: { type: "string", default: DEFAULT_CONFIG } },
    allowPositionals: true,
  });
  const [word, ...more] = positionals;
  if (more.length > 0 || (word !== "guard" && word !== "down"))
    throw new HushboxError("usage", `hushbox tunnel guard or hushbox tunnel down, not "${positionals.join(" ")}"`);
  if (word === "down") {
    await removeAll();
    return 0;
  }
  const { tunnel } = compile(ConfigFile.read(values.config).config);
  // Without a tunnel there is nothing to guard; a gateway takes nothing out of it while the daemon is away.
  if (tunnel?.role === "box") await loadRules(bootRules(tunnel));
  return 0;
}
