import { rmSync } from "node:fs";
import { messageOf } from "../errors/message-of.js";
import type { Host } from "./host.js";
import { blockRadio, setKnob } from "./kernel-knobs.js";
import type { About } from "./ledger.js";
import { AP_UNIT, BOX_UNIT, BRIDGE, DHCP_UNIT, GUARD_TABLE, GUARD_UNIT, NAT_UNIT, NETWORKD, OUTSIDE } from "./names.js";

/** Whether somebody has to be told that a command failed: only where it is for something that was there before. */
type Tell = (line: string) => void;

/** Before files are put back: what setup started ends. Things that are not there any more are no mistake: it may be done twice. */
export async function stopUnits(host: Host, about: About): Promise<void> {
  const started = [BOX_UNIT, AP_UNIT, DHCP_UNIT, NAT_UNIT, GUARD_UNIT].filter((unit) => !about.ran.includes(unit));
  for (const unit of started) await host.run("systemctl", "stop", unit);
  // By design its table outlives the unit.
  if (!about.ran.includes(GUARD_UNIT)) await host.run("nft", "delete", "table", "bridge", GUARD_TABLE);
}

/** After files were put back: the machine does what they say again. */
export async function settle(host: Host, about: About, tell: Tell): Promise<void> {
  const again = async (program: string, ...args: string[]): Promise<void> => {
    const { code, stderr } = await host.run(program, ...args);
    if (code !== 0) tell(`${program} ${args.join(" ")} failed: ${stderr.trim()}`);
  };
  const attempt = (what: () => void): void => {
    try {
      what();
    } catch (error) {
      tell(messageOf(error));
    }
  };
  await again("systemctl", "daemon-reload");
  for (const [key, value] of Object.entries(about.sysctls))
    attempt(() => {
      setKnob(host, key, value);
    });
  await host.run("ip", "link", "delete", OUTSIDE);
  await host.run("ip", "link", "delete", BRIDGE);
  if (about.ran.includes(NETWORKD)) {
    await again("networkctl", "reload");
    if (about.mode === "bridged" && !about.ifupdown && !about.ran.includes("NetworkManager.service"))
      await again("networkctl", "reconfigure", about.uplink);
  } else {
    // Its socket would start it again.
    await host.run("systemctl", "stop", "systemd-networkd.socket", NETWORKD, "systemd-networkd-wait-online.service");
  }
  for (const radio of about.blocked)
    attempt(() => {
      blockRadio(host, radio, true);
    });
  if (about.ran.includes("NetworkManager.service")) await again("systemctl", "reload", "NetworkManager.service");
  if (about.ifupdown) await again("ifup", "--force", about.uplink);
  for (const unit of about.ran)
    if (unit.startsWith("wpa_supplicant@") || unit === BOX_UNIT) await again("systemctl", "restart", unit);
  for (const folder of ["/var/lib/hushbox-ap", "/run/hushbox-ap"])
    rmSync(host.path(folder), { recursive: true, force: true });
}
