import { existsSync } from "node:fs";
import type { Finding } from "../daemon/check/finding.js";
import { masterOf } from "../nic/bridge.js";
import { networkManagerCards } from "./holders.js";
import type { Host } from "./host.js";
import { parseCountry, parseInterfaces } from "./iw-phy.js";
import { blockedRadios, readKnob, switchedOff } from "./kernel-knobs.js";
import { sysctls } from "./managers.js";
import {
  AP_CONFIG,
  AP_DIRECTORY,
  AP_UNIT,
  BRIDGE,
  DHCP_UNIT,
  GATEWAY,
  NAT_RULES,
  NAT_TABLE,
  NAT_UNIT,
  NETWORKD,
} from "./names.js";
import { Store } from "./store.js";
import { kindOf } from "./uplink.js";

/** The cards between which hushbox stands. */
export interface BoxCards {
  readonly inside: string;
  readonly outside: string;
  /** Frames between two stations shall pass it too. */
  readonly isolate?: boolean;
}

/** What of the access point is not right, and how to put it right. Nothing where the inside card is no radio. Changes nothing. */
export async function checkAccessPoint(host: Host, { inside, outside, isolate = false }: BoxCards): Promise<Finding[]> {
  if (kindOf(host, inside) !== "wifi") return [];
  const unfinished = cutOff(host);
  if (!existsSync(host.path(AP_DIRECTORY)))
    return [...unfinished, ...(await foreign(host, inside)), ...(isolate ? [unknownRelay()] : [])];
  const routed = existsSync(host.path(NAT_RULES));
  const findings = [
    ...unfinished,
    ...radios(host),
    ...(await unit(host, NETWORKD, "the cards are not joined after the next boot")),
    ...(await unit(host, AP_UNIT, "there is no network for the speakers")),
    ...(await sending(host, inside)),
    ...ports(host, inside, outside),
    ...relay(host, isolate),
    ...(await manager(host, inside)),
    ...(await country(host)),
    ...kernel(host, routed),
    ...(routed ? await wayOut(host) : []),
  ];
  if (findings.length > 0) return findings;
  return [
    { status: "ok", what: "access point", message: `${inside} sends, and is joined with ${outside} in ${BRIDGE}` },
  ];
}

function fail(what: string, message: string, advice: string): Finding {
  return { status: "fail", what, message, advice };
}

function warn(what: string, message: string, advice: string): Finding {
  return { status: "warn", what, message, advice };
}

function cutOff(host: Host): Finding[] {
  let next: unknown;
  try {
    next = new Store(host).next;
  } catch {
    // Root alone may look; everybody else is told of what they can see.
    return [];
  }
  if (next === null) return [];
  return [fail("setup", "a setup was cut off half way", "sudo hushbox setup --undo takes it back")];
}

/** Somebody's own access point, or none yet. */
async function foreign(host: Host, inside: string): Promise<Finding[]> {
  const found = parseInterfaces((await host.ask("iw", "dev")) ?? "").find(({ name }) => name === inside);
  if (found === undefined || found.type === "AP") return [];
  return [
    warn(
      "access point",
      `${inside} is a Wi-Fi card and no access point: no speaker can join`,
      "sudo hushbox setup makes it one",
    ),
  ];
}

function radios(host: Host): Finding[] {
  if (switchedOff(host))
    return [fail("radio", "is switched off by a switch of the machine", "turn the switch (or the key) for Wi-Fi on")];
  if (blockedRadios(host).length === 0) return [];
  return [
    fail(
      "radio",
      "is blocked by software (rfkill)",
      "rfkill unblock wlan; on a Raspberry Pi set its country: raspi-config nonint do_wifi_country DE",
    ),
  ];
}

async function unit(host: Host, name: string, without: string): Promise<Finding[]> {
  const active = (await host.run("systemctl", "is-active", "--quiet", name)).code === 0;
  const enabled = (await host.run("systemctl", "is-enabled", "--quiet", name)).code === 0;
  if (!active)
    return [
      fail(
        name,
        "does not run: " + without,
        `systemctl start ${name}; where it fails, journalctl -u ${name} -n 20 says why`,
      ),
    ];
  return enabled ? [] : [warn(name, "runs, and will not after the next boot", `systemctl enable ${name}`)];
}

async function sending(host: Host, inside: string): Promise<Finding[]> {
  const text = await host.ask("iw", "dev");
  if (text === null) return [warn("access point", "cannot be asked for: iw is missing or fails", "apt-get install iw")];
  const found = parseInterfaces(text).find(({ name }) => name === inside);
  if (found?.type === "AP") return [];
  return [
    fail(
      "access point",
      `${inside} does not send`,
      `journalctl -u ${AP_UNIT} -n 20 says why; often the channel is not for this country, or another program has the card`,
    ),
  ];
}

function ports(host: Host, inside: string, outside: string): Finding[] {
  return [
    { card: inside, advice: `systemctl restart ${AP_UNIT}: hostapd puts it there` },
    {
      card: outside,
      advice: `networkctl reload; networkctl reconfigure ${outside}; networkctl status ${outside} names the file that it follows`,
    },
  ].flatMap(({ card, advice }) => {
    const master = masterOf(card, host.path("/sys"));
    if (master === BRIDGE) return [];
    const where = master === null ? "is in no bridge" : `is in the bridge ${master}`;
    return [fail(`bridge ${BRIDGE}`, `${card} ${where}, and belongs into this one`, advice)];
  });
}

/** The radio cannot be asked whether it relays; somebody else's hostapd neither. */
function unknownRelay(): Finding {
  return warn(
    "isolate",
    "is on, and only hostapd knows whether its radio leaves frames between stations to the bridge",
    "ap_isolate=1 in hostapd's configuration, and restart it",
  );
}

/** What hostapd was told of frames between stations. Its file is for root alone. */
function relay(host: Host, isolate: boolean): Finding[] {
  const text = host.read(AP_CONFIG);
  if (text === null) return isolate ? [unknownRelay()] : [];
  const isolates = /^ap_isolate=1$/m.test(text);
  if (isolates === isolate) return [];
  return [
    isolate
      ? fail(
          "isolate",
          "is on, and the radio relays frames between stations itself: hushbox never sees them",
          "hushbox setup --isolate, with the other options as before",
        )
      : warn(
          "isolate",
          "is off, and the radio leaves frames between stations to the bridge, which passes them undefended",
          "isolate: true in hushbox's configuration; or hushbox setup, which makes the radio relay them again",
        ),
  ];
}

async function manager(host: Host, inside: string): Promise<Finding[]> {
  const held = (await networkManagerCards(host)).get(inside);
  if (held === undefined) return [];
  return [
    fail(
      "NetworkManager",
      `has ${inside} in its hands (${held.state}), beside hostapd`,
      "systemctl reload NetworkManager; where that does not help, look for files in /etc/NetworkManager/conf.d that set unmanaged-devices without +",
    ),
  ];
}

async function country(host: Host): Promise<Finding[]> {
  const now = parseCountry((await host.ask("iw", "reg", "get")) ?? "");
  // hostapd's file is for root alone.
  const wanted = /^country_code=(..)$/m.exec(host.read(AP_CONFIG) ?? "")?.[1];
  const advice = `is wireless-regdb installed? iw reg get shows what is in force; hushbox setup --country CC sets another`;
  if (now === "00")
    return [warn("radio rules", "are those for the whole world: hardly a channel at 5 GHz, and little power", advice)];
  if (now === null || wanted === undefined || now === wanted) return [];
  return [warn("radio rules", `are those of ${now}, and the access point is set up for ${wanted}`, advice)];
}

function kernel(host: Host, routed: boolean): Finding[] {
  return sysctls(routed ? "routed" : "bridged").flatMap(([key, wanted]) => {
    const now = readKnob(host, key);
    // br_netfilter is not loaded; and iptables is looked at with every bridge.
    if (now === null || now === wanted || key.endsWith("-iptables")) return [];
    const what = key.endsWith("ip_forward")
      ? "nothing of the speakers' network is passed on"
      : "bridged frames pass the firewall once more";
    return [
      warn(
        key,
        `is ${now}: ${what}`,
        `sysctl -w ${key}=${wanted}; some other file in /etc/sysctl.d, or a firewall, sets it`,
      ),
    ];
  });
}

async function wayOut(host: Host): Promise<Finding[]> {
  const findings = [
    ...(await unit(host, DHCP_UNIT, `speakers get no address from ${GATEWAY}`)),
    ...(await unit(host, NAT_UNIT, "speakers do not reach the world")),
  ];
  if ((await host.run("nft", "list", "table", "ip", NAT_TABLE)).code === 0 || process.getuid?.() !== 0) return findings;
  return [
    ...findings,
    fail(
      "nat",
      `the table ${NAT_TABLE} is gone: speakers do not reach the world`,
      `systemctl restart ${NAT_UNIT}; a firewall that empties all tables takes it away`,
    ),
  ];
}
