import { existsSync } from "node:fs";
import type { Settings } from "../../config/settings.js";
import { readBridge } from "../../nic/bridge.js";
import { findInterface, interfaceNames, readEthernet } from "../../nic/interface.js";
import { hindering } from "../../nic/offload.js";
import { SLOT_BYTES } from "../../packet/packet.js";
import type { Finding } from "./finding.js";

/** Ethernet header and two 802.1Q tags. */
const FRAME_OVERHEAD = 22;

/** One of the two cards. `sys`: where the kernel shows itself. */
export function checkCard(name: string, settings: Settings, sys: string): Finding[] {
  const what = `interface ${name}`;
  const facts = findInterface(name);
  if (facts === null) {
    const there = interfaceNames().filter((other) => other !== "lo");
    return [
      {
        status: "fail",
        what,
        message: "is not there",
        advice: `this machine has ${there.length === 0 ? "none but lo" : there.join(", ")}`,
      },
    ];
  }
  readEthernet(name);
  const findings: Finding[] = [];
  if (!facts.up)
    findings.push({ status: "warn", what, message: "is down; hushbox waits for it", advice: `ip link set ${name} up` });
  else if (!facts.running)
    findings.push({
      status: "warn",
      what,
      message: "has no carrier; hushbox waits for it",
      advice: "is the cable plugged in, the access point on?",
    });
  if (facts.mtu + FRAME_OVERHEAD > SLOT_BYTES) {
    findings.push({
      status: "fail",
      what,
      message: `has an MTU of ${facts.mtu}; a packet slot holds frames of MTU ${SLOT_BYTES - FRAME_OVERHEAD} at most`,
      advice: `ip link set ${name} mtu 1500`,
    });
  }
  // In a tunnel the kernel forwards: a bridge is as good as routing.
  const { inside, outside } = settings.cards;
  const port = settings.tunnel === null && existsSync(`${sys}/class/net/${name}/brport`);
  if (port && readBridge(inside, outside) === null) {
    findings.push({
      status: "warn",
      what,
      message:
        "is the port of a bridge that the other card is no port of: the kernel forwards the same frames a second time",
      advice: `ip link set ${name} nomaster; or make both cards ports of one bridge, and hushbox takes over from it`,
    });
  }
  if (name === settings.cards.outside && existsSync(`${sys}/class/net/${name}/phy80211`)) {
    findings.push({
      status: "warn",
      what,
      message: "is Wi-Fi: as a client it carries no frames of other machines",
      advice: "use a cable toward the router, or 4-address mode (WDS)",
    });
  }
  return [
    ...findings,
    ...offloads(name, settings.offloads),
    ...(findings.length === 0 ? [{ status: "ok" as const, what, message: `${facts.mac}, MTU ${facts.mtu}, up` }] : []),
  ];
}

function offloads(name: string, wanted: Settings["offloads"]): Finding[] {
  const on = hindering(name);
  const what = `offloads of ${name}`;
  if (on.length === 0) return [{ status: "ok", what, message: "are off" }];
  if (wanted === "off")
    return [{ status: "ok", what, message: `will be turned off, and put back on exit: ${on.join(", ")}` }];
  return [
    {
      status: "warn",
      what,
      message: `are on, and nic.offloads is keep: ${on.join(", ")}; merged frames cannot be sent again`,
      advice: "set nic.offloads: off",
    },
  ];
}
