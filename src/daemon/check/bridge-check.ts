import type { Settings } from "../../config/settings.js";
import { bridgeFilters, readBridge, withoutFilters, type Bridge } from "../../nic/bridge.js";
import { GuardTable } from "../../nic/guard-table.js";
import { TakeOverTable } from "../../nic/take-over-table.js";
import { guardedOf, radioKeeps } from "../bridging.js";
import type { Finding } from "./finding.js";

/** The bridge between the cards, and what becomes of traffic without hushbox. */
export function checkBridge(settings: Settings): Finding[] {
  const { inside, outside } = settings.cards;
  const what = "bridge";
  const bridge = readBridge(inside, outside);
  const none = "none joins the two cards: without hushbox nothing passes, whatever onFailure says";
  if (bridge === null)
    return [{ status: "ok", what, message: none }, ...isolation(settings, bridge), ...guard(settings)];
  const joined = `${bridge.name} joins the two cards`;
  const busy = TakeOverTable.look();
  if (busy === null) TakeOverTable.probe(settings.cards);
  const finding: Finding =
    busy === null
      ? { status: "ok", what, message: `${joined}; hushbox will take over from it` }
      : busy.owned
        ? { status: "ok", what, message: `${joined}; a process has taken over from it, a running hushbox` }
        : {
            status: "fail",
            what,
            message: `${joined}, and there is a table bridge ${TakeOverTable.NAME} that no running hushbox has made`,
            advice: `nft delete table bridge ${TakeOverTable.NAME}`,
          };
  return [finding, ...isolation(settings, bridge), ...guard(settings)];
}

/** Whether frames between two stations of the access point reach hushbox, where they shall. */
function isolation({ cards, datapath }: Settings, bridge: Bridge | null): Finding[] {
  if (!datapath.isolate) return [];
  const what = "isolate";
  const { inside, outside } = cards;
  if (bridge === null)
    return [
      {
        status: "warn",
        what,
        message: "is on, and no bridge joins the two cards: stations of the access point cannot reach each other",
        advice: `make ${inside} and ${outside} ports of one bridge, with hairpin on at ${inside}`,
      },
    ];
  const kept = radioKeeps(bridge, inside);
  if (kept !== null) return [{ status: "warn", what, ...kept }];
  return [{ status: "ok", what, message: `${bridge.name} sends frames back out of ${inside}` }];
}

function guard(settings: Settings): Finding[] {
  const what = "onFailure";
  const found = new GuardTable().look(guardedOf(settings));
  if (settings.onFailure === "open") {
    if (found === null) return [];
    const message = "is open, but a guard drops the devices' frames while hushbox does not run";
    return [{ status: "warn", what, message, advice: "hushbox guard" }];
  }
  if (found === "as wanted") return [{ status: "ok", what, message: "is closed, and the guard is in force" }];
  return [
    {
      status: "warn",
      what,
      message: `is closed, and ${found === null ? "no guard" : "another guard"} is in force before hushbox runs`,
      advice: "systemctl enable --now hushbox-guard (or: hushbox guard)",
    },
  ];
}

/**
 * With br_netfilter bridged frames pass iptables once more, and NAT in the same namespace breaks (measured: TCP stops); where a rule there drops
 * what it forwards, as Docker's does, the bridge forwards nothing while hushbox is away.
 */
export function checkBridgeFilter(proc: string): Finding[] {
  const on = bridgeFilters(proc);
  if (on.length === 0) return [];
  return [
    {
      status: "warn",
      what: "br_netfilter",
      message: `passes bridged frames through ${on.join(", ")}: with a bridge and NAT on this machine, TCP stops, and rules there (Docker's) may drop what the bridge forwards`,
      advice: withoutFilters(on),
    },
  ];
}
