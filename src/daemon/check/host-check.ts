import type { Settings } from "../../config/settings.js";
import { checkBridge, checkBridgeFilter } from "./bridge-check.js";
import { checkCard } from "./card-check.js";
import { guarded, type Finding, type HostPaths } from "./finding.js";
import { checkProgram } from "./program-check.js";
import { checkRealtime } from "./realtime-check.js";
import { checkService } from "./service-check.js";
import { checkTunnel } from "./tunnel-check.js";

const HOST: HostPaths = { proc: "/proc", sys: "/sys" };

/** Looks at everything that the daemon will need of this machine; changes nothing. */
export async function checkHost(settings: Settings, { proc, sys } = HOST, now = Date.now()): Promise<Finding[]> {
  const { cards, tunnel } = settings;
  return [
    ...checkProgram(settings, proc),
    ...checkRealtime(settings, proc),
    ...[cards.inside, cards.outside].flatMap((name) =>
      guarded(`interface ${name}`, () => checkCard(name, settings, sys)),
    ),
    ...guarded("bridge", () => checkBridge(settings)),
    ...checkBridgeFilter(proc),
    ...(tunnel === null ? [] : checkTunnel(tunnel, sys)),
    ...(await checkService(settings, now)),
  ];
}
