import { createHash } from "node:crypto";
import { BRIDGE, GATEWAY, NETWORKD_FILES, OUTSIDE } from "./names.js";
import type { Subnet } from "./subnet.js";
import type { Uplink } from "./uplink.js";

/** A file and what stands in it. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
  /** Why it is written, for whoever reads the plan. */
  readonly why: string;
}

const HEAD = "# Written by hushbox setup; hushbox setup --undo removes it.\n";

/** systemd-networkd takes the first file that fits, by name: 00 comes before those of netplan and of the user. */
function file(name: string, why: string, ...sections: string[]): TextFile {
  return { path: `${NETWORKD_FILES}/00-hushbox-${name}`, why, text: `${HEAD}\n${sections.join("\n\n")}\n` };
}

function section(name: string, ...lines: string[]): string {
  return [`[${name}]`, ...lines].join("\n");
}

/** hostapd has the access point's card alone, and puts it into the bridge itself. */
function accessPoint(card: string): TextFile {
  return file(
    "ap.network",
    `${card} is left to hostapd`,
    section("Match", `Name=${card}`),
    section("Link", "Unmanaged=yes"),
  );
}

function bridge(mac: string): TextFile {
  return file(
    "bridge.netdev",
    "the bridge of the two cards between which hushbox stands",
    // Of a card that is not here the address is not known; systemd makes one then that stays the same.
    section("NetDev", `Name=${BRIDGE}`, "Kind=bridge", ...(mac === "" ? [] : [`MACAddress=${mac}`])),
    section(
      "Bridge",
      "STP=no",
      "# Two ports: group frames go to the other one anyhow, and without a querier a list of members runs dry.",
      "MulticastSnooping=no",
    ),
  );
}

/** A bridge port has no addresses of its own. */
function port(name: string, card: string): TextFile {
  return file(
    `${name}.network`,
    `${card} is a port of the bridge`,
    section("Match", `Name=${card}`),
    section("Link", "RequiredForOnline=no"),
    section("Network", `Bridge=${BRIDGE}`, "LinkLocalAddressing=no", "LLDP=no", "EmitLLDP=no"),
  );
}

/** The speaker stays in the home network: the uplink is a port of the bridge, and the bridge has the uplink's addresses. */
export function bridgedNetwork(card: string, uplink: Uplink, dns: readonly string[]): TextFile[] {
  const { address } = uplink;
  const network =
    address === "dhcp"
      ? [
          section("Network", "DHCP=ipv4", "IPv6AcceptRA=yes"),
          "# The bridge has the card's MAC address and says who it is as the card did: so the router gives it the same address.\n" +
            section("DHCPv4", ...(uplink.iaid === null ? ["ClientIdentifier=mac"] : [`IAID=${uplink.iaid}`])),
        ]
      : [
          section(
            "Network",
            ...address.addresses.map((one) => `Address=${one}`),
            ...(address.gateway === null ? [] : [`Gateway=${address.gateway}`]),
            ...dns.map((one) => `DNS=${one}`),
            "IPv6AcceptRA=yes",
          ),
        ];
  return [
    accessPoint(card),
    bridge(uplink.mac),
    port("uplink", uplink.name),
    file(
      "bridge.network",
      address === "dhcp"
        ? "the bridge gets this machine's address from the router"
        : "the bridge has this machine's address",
      section("Match", `Name=${BRIDGE}`),
      ...network,
    ),
  ];
}

/** A MAC address of our own making (the bit for local ones set), always the same for a card. */
export function ownMac(card: string, purpose: string): string {
  const hash = createHash("sha256").update(`${card} ${purpose}`).digest();
  const bytes = [((hash[0] ?? 0) & 0xfc) | 0x02, ...hash.subarray(1, 6)];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/**
 * The speaker has a network of its own: the bridge's second port is one end of a pair, the other end has the gateway's address, and
 * hushbox stands between card and pair.
 */
export function routedNetwork(card: string, mac: string, subnet: Subnet): TextFile[] {
  return [
    accessPoint(card),
    bridge(ownMac(mac, BRIDGE)),
    file(
      "pair.netdev",
      "the pair whose far end is the speaker's gateway",
      section("NetDev", `Name=${OUTSIDE}`, "Kind=veth", `MACAddress=${ownMac(mac, OUTSIDE)}`),
      section("Peer", `Name=${GATEWAY}`, `MACAddress=${ownMac(mac, GATEWAY)}`),
    ),
    file(
      "gateway.link",
      "offloads of the gateway are off: merged frames and missing checksums cannot be sent over the air",
      section("Match", `OriginalName=${GATEWAY}`),
      section(
        "Link",
        "TransmitChecksumOffload=no",
        "TCPSegmentationOffload=no",
        "TCP6SegmentationOffload=no",
        "GenericSegmentationOffload=no",
        "GenericReceiveOffload=no",
      ),
    ),
    port("pair", OUTSIDE),
    file(
      "bridge.network",
      "the bridge itself has no address",
      section("Match", `Name=${BRIDGE}`),
      section("Link", "RequiredForOnline=no"),
      section("Network", "LinkLocalAddressing=no", "IPv6AcceptRA=no", "ConfigureWithoutCarrier=yes"),
    ),
    file(
      "gateway.network",
      `the speaker's gateway, ${subnet.host(1)}`,
      section("Match", `Name=${GATEWAY}`),
      section(
        "Network",
        `Address=${subnet.host(1)}/${subnet.bits}`,
        "LinkLocalAddressing=no",
        "IPv6AcceptRA=no",
        "ConfigureWithoutCarrier=yes",
      ),
    ),
  ];
}
