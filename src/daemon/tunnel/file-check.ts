import { statSync } from "node:fs";
import { isIPv4 } from "node:net";
import type { TunnelSettings } from "../../config/settings.js";
import { HushboxError } from "../../errors/hushbox-error.js";
import { parsePrefix } from "../../wire/prefix.js";
import type { WgFile, WgPeer } from "./wg-file.js";

/** What a file may not be, given what it is for. */
export function checkFile(file: WgFile, { role, defenses }: TunnelSettings): void {
  const fail = (what: string): never => {
    throw new HushboxError("config-invalid", `${file.path} ${what}`);
  };
  if (file.addresses.length === 0) fail("has no Address in [Interface]: what goes through the tunnel needs one there");
  // Carriers of two hushboxes, and decoys for a stock peer, are IPv4.
  if (defenses.episode.enabled) {
    if (firstFour(file.addresses) === "") fail("has no IPv4 Address in [Interface]: what carries slots is IPv4");
    const six = file.peers.find(({ allowedIps }) => firstFour(allowedIps) === "");
    if (six !== undefined) fail(`has no IPv4 network in AllowedIPs of [Peer] ${six.name}: what carries slots is IPv4`);
    const wide = file.peers.find(({ allowedIps }) => role === "gateway" && !isOwn(allowedIps));
    if (wide !== undefined)
      fail(
        `has a network first in AllowedIPs of [Peer] ${wide.name}: the box's own address must be first, as 10.9.0.2/32`,
      );
    if (role === "box" && defenses.episode.peer === "hushbox" && !file.peers.every(isWhole))
      fail("does not allow 0.0.0.0/0 in [Peer]: what comes from the far end of a pair would be dropped");
  }
  if (role === "gateway") {
    if (file.listenPort === null) fail("has no ListenPort in [Interface]: boxes must know where to call");
    const all = file.peers.find(({ allowedIps }) => allowedIps.some((network) => /\/0$/.test(network)));
    if (all !== undefined)
      fail(
        `lets [Peer] ${all.name} have all addresses (AllowedIPs): at a gateway each box has its own, such as 10.9.0.2/32`,
      );
    return;
  }
  const [first, second] = file.peers;
  if (second !== undefined) fail("has more than one [Peer]: a box has one far end");
  if (first?.endpoint === null) fail("has no Endpoint in [Peer]: the box would not know where to call");
  if (first?.allowedIps.length === 0) fail("has no AllowedIPs in [Peer]; 0.0.0.0/0, ::/0 sends everything there");
}

/** What a person should know and need not act on at once. */
export function hintsOf(file: WgFile): string[] {
  const found: string[] = [];
  if (file.ignored.length > 0)
    found.push(`${[...new Set(file.ignored)].join(", ")} in the WireGuard file: hushbox does not carry that out`);
  if ((statSync(file.path).mode & 0o007) !== 0)
    found.push("the WireGuard file can be read by others, and holds a private key: chmod o-r");
  return found;
}

/** The first IPv4 address of a list, without its prefix length; an empty text where there is none. */
export function firstFour(networks: readonly string[]): string {
  return networks.map((network) => network.replace(/\/.*/, "")).find(isIPv4) ?? "";
}

/** The first IPv4 network is a single address: carriers go there. */
function isOwn(allowedIps: readonly string[]): boolean {
  const first = allowedIps.map(parsePrefix).find((prefix) => prefix?.version === 4);
  return first?.bits === 32;
}

function isWhole({ allowedIps }: WgPeer): boolean {
  return allowedIps.includes("0.0.0.0/0");
}
