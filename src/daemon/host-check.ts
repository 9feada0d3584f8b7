import { accessSync, constants, existsSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import type { Settings, TunnelSettings } from "../config/settings.js";
import { tool } from "../emulator/command.js";
import { tunnelTools } from "../emulator/wireguard.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import { findInterface, interfaceNames, readEthernet } from "../nic/interface.js";
import { bridgeFilters, readBridge, withoutFilters, type Bridge } from "../nic/bridge.js";
import { GuardTable } from "../nic/guard-table.js";
import { native } from "../nic/native.js";
import { hindering } from "../nic/offload.js";
import { TakeOverTable } from "../nic/take-over-table.js";
import { checkFile, hintsOf } from "./tunnel/tunnel.js";
import { WgFile } from "./tunnel/wg-file.js";
import { SLOT_BYTES } from "../packet/packet.js";
import { guardedOf, radioKeeps } from "./bridging.js";
import { hasCapability, type Capability } from "./capability.js";
import { checkRealtime } from "./realtime-check.js";

/** What one look at the host found. `advice` says what to do, where there is something. */
export interface Finding {
  readonly status: "ok" | "warn" | "fail";
  readonly what: string;
  readonly message: string;
  readonly advice?: string;
}

/** Where the kernel shows itself; another root in tests. */
export interface HostPaths {
  readonly proc: string;
  readonly sys: string;
}

const HOST: HostPaths = { proc: "/proc", sys: "/sys" };

/** Ethernet header and two 802.1Q tags. */
const FRAME_OVERHEAD = 22;
/** A clock behind this is one that nobody has set: hushbox did not exist then. */
const BORN = Date.UTC(2026, 0, 1);

/** Looks at everything that the daemon will need of this machine; changes nothing. */
export async function checkHost(settings: Settings, paths = HOST, now = Date.now()): Promise<Finding[]> {
  const { cards, api, state } = settings;
  return [
    addon(),
    ...(cards.card === "libpcap" ? library("cap") : []),
    ...(cards.card === "libpcap" ? library("raw-socket") : []),
    ...capabilities(settings, paths),
    ...checkRealtime(settings, paths.proc),
    ...[cards.inside, cards.outside].flatMap((name) => guarded(`interface ${name}`, () => card(name, settings, paths))),
    ...guarded("bridge", () => bridging(settings)),
    ...bridgeFilter(paths),
    ...(settings.tunnel === null ? [] : tunnelChecks(settings.tunnel, paths)),
    stateDirectory(state),
    ...token(api.tokenFile),
    await listening(api.host, api.port),
    clock(now),
  ];
}

/** A look that throws found something too. */
function guarded(what: string, look: () => Finding[]): Finding[] {
  try {
    return look();
  } catch (error) {
    if (error instanceof HushboxError) return [{ status: "fail", what, message: error.message }];
    throw error;
  }
}

function addon(): Finding {
  try {
    native();
    return { status: "ok", what: "addon", message: "the packet ring is compiled and loads" };
  } catch (error) {
    return { status: "fail", what: "addon", message: messageOf(error) };
  }
}

function library(name: string): Finding[] {
  try {
    // Only whether it is there: loading it here would spoil it for the thread that needs it.
    import.meta.resolve(name);
    return [{ status: "ok", what: name, message: "is installed" }];
  } catch {
    return [
      {
        status: "fail",
        what: name,
        message: "nic.card is libpcap, and this package is not installed",
        advice: "apt-get install libpcap-dev g++ make python3, then npm install; or set nic.card: ring",
      },
    ];
  }
}

function capabilities(settings: Settings, { proc }: HostPaths): Finding[] {
  const missing = needed(settings).filter((name) => !hasCapability(name, proc));
  const what = "permissions";
  if (missing.length === 0) return [{ status: "ok", what, message: `has ${needed(settings).join(", ")}` }];
  return [
    {
      status: "fail",
      what,
      message: `lacks ${missing.join(", ")}`,
      advice: "run as root (sudo), or by systemd/hushbox.service, which grants them",
    },
  ];
}

function needed({ api }: Settings): Capability[] {
  const all: Capability[] = ["CAP_NET_RAW", "CAP_NET_ADMIN"];
  if (api.port > 0 && api.port < 1024) all.push("CAP_NET_BIND_SERVICE");
  return all;
}

function card(name: string, settings: Settings, { sys }: HostPaths): Finding[] {
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

/** The bridge between the cards, and what becomes of traffic without hushbox. */
function bridging(settings: Settings): Finding[] {
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

/**
 * With br_netfilter bridged frames pass iptables once more, and NAT in the same namespace breaks (measured: TCP stops); where a rule there drops
 * what it forwards, as Docker's does, the bridge forwards nothing while hushbox is away.
 */
function bridgeFilter({ proc }: HostPaths): Finding[] {
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

/** What a tunnel needs beside the rest. */
function tunnelChecks(settings: TunnelSettings, { sys }: HostPaths): Finding[] {
  const tools = guarded("tunnel", () => {
    for (const name of ["ip", "nft", ...tunnelTools()] as const) tool(name);
    return [];
  });
  const file = guarded("tunnel", () => {
    const read = WgFile.read(settings.file);
    checkFile(read, settings);
    const hints = hintsOf(read).map((message) => ({ status: "warn" as const, what: "tunnel", message }));
    const message = `${settings.file} is valid: ${read.peers.length === 1 ? "one peer" : `${read.peers.length} peers`}`;
    return [...hints, { status: "ok", what: "tunnel", message }];
  });
  const bridged = existsSync(`${sys}/class/net/${settings.inside}/brport`);
  const way: Finding = {
    status: "ok",
    what: "tunnel",
    message: bridged
      ? `${settings.inside} is the port of a bridge: what leaves the local network is taken off it, the rest is bridged`
      : `${settings.inside} is no port of a bridge: devices must have an address of this machine there as their gateway`,
  };
  return [...tools, ...file, ...(settings.role === "box" ? [way] : [])];
}

function stateDirectory(path: string): Finding {
  const what = "state";
  let there = path;
  while (!existsSync(there)) there = dirname(there);
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
    return { status: "ok", what, message: there === path ? `${path} is writable` : `${path} will be made` };
  } catch {
    return {
      status: "fail",
      what,
      message: `${path} cannot be written by this user`,
      advice: "run as root (sudo), or set state to a directory that is writable",
    };
  }
}

function token(path: string): Finding[] {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts === undefined || (facts.mode & 0o077) === 0) return [];
  return [{ status: "warn", what: "token", message: `${path} can be read by others`, advice: `chmod 600 ${path}` }];
}

async function listening(host: string, port: number): Promise<Finding> {
  const what = "api";
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port, exclusive: true }, resolve);
    });
    return { status: "ok", what, message: `${host} port ${port} is free` };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE")
      return {
        status: "warn",
        what,
        message: `${host} port ${port} is in use, perhaps by a running hushbox`,
        advice: "stop it first, or set api.listen to another port",
      };
    return {
      status: "fail",
      what,
      message: `cannot listen on ${host} port ${port}: ${message}`,
      advice: "set api.listen to an address of this machine",
    };
  } finally {
    server.close();
  }
}

function clock(now: number): Finding {
  const what = "clock";
  const date = new Date(now).toISOString();
  if (now >= BORN) return { status: "ok", what, message: date };
  return {
    status: "warn",
    what,
    message: `it is ${date} here: monthly budgets begin at the wrong time`,
    advice: "timedatectl set-ntp true",
  };
}
