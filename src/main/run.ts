import { parseArgs } from "node:util";
import { ConfigFile } from "../config/config-file.js";
import { complete } from "../config/defaults.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { openLog } from "../log/open-log.js";
import type { Command } from "./command.js";
import { DEFAULT_CONFIG } from "./client.js";
import { VERSION } from "./version.js";

/** `hushbox run`: the daemon. */
export const command: Command = {
  summary: "run the box: packets in, defended packets out, until it is told to stop",
  usage: `Usage: hushbox run [--config FILE]

Runs the box between the two interfaces of the configuration until SIGTERM or SIGINT (Ctrl-C).
SIGHUP reads the configuration again; one with a mistake in it changes nothing.
Needs CAP_NET_RAW and CAP_NET_ADMIN, or root. The log goes to standard output.

  --config FILE   the configuration (default ${DEFAULT_CONFIG}); config.example.yaml explains every key

Example:
  sudo hushbox run --config /etc/hushbox/hushbox.yaml
`,
  run,
};

async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { config: { type: "string", default: DEFAULT_CONFIG } } });
  const file = ConfigFile.read(values.config);
  const log = openLog(complete(file.config).log.level);
  // Loaded here, so that `--help` and a broken configuration are answered at once.
  const { Daemon } = await import("../daemon/daemon.js");
  const { startDatapath } = await import("../daemon/start-datapath.js");
  const { kernelBridges } = await import("../daemon/kernel-bridges.js");
  const { Tunnel } = await import("../daemon/tunnel/tunnel.js");
  const { Offloads } = await import("../nic/offload.js");
  const daemon = new Daemon(file, {
    version: VERSION,
    log,
    environment: process.env,
    notify: await notifier(),
    startDatapath,
    bridges: ({ inside, outside }) => kernelBridges(inside, outside),
    makeTunnel: (settings, to) => new Tunnel(settings, to),
    offloads: (state) => new Offloads(state),
  });
  const told = signals();
  process.on("SIGHUP", () => {
    if (daemon.ready) void daemon.reload();
  });
  void told.then((signal) => {
    log.info("stopping", { signal });
    return daemon.stop();
  });
  try {
    await daemon.start();
  } catch (error) {
    // Whoever stops it while it starts gets what was asked for.
    if (told.heard !== undefined) return 0;
    throw error;
  }
  const ended = await Promise.race([told.then(() => null), daemon.ended]);
  await daemon.stop();
  if (ended === null) return 0;
  throw new HushboxError(
    ended instanceof HushboxError ? ended.code : "internal",
    `the packets' side ended by itself: ${ended.message}`,
    ended,
  );
}

/** The first SIGTERM or SIGINT; a second one ends the process at once, as the system has it. */
function signals(): Promise<string> & { heard?: string } {
  const promise: Promise<string> & { heard?: string } = new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.once(signal, () => {
        promise.heard = signal;
        resolve(signal);
      });
    }
  });
  return promise;
}

/** Messages to the service manager go through the addon; without it there is nobody to tell. */
async function notifier(): Promise<(text: string) => boolean> {
  if (process.env["NOTIFY_SOCKET"] === undefined) return () => false;
  const { native } = await import("../nic/native.js");
  return (text) => native().notify(text);
}
