import { HushboxError } from "../errors/hushbox-error.js";
import { tool, which } from "./command.js";
import type { Laboratory } from "./laboratory.js";
import { TOPOLOGY } from "./topology.js";

/** What wg-quick would do with the gateway's file, and a provider with its NAT. `$1`: the interface, `$2`: the file. */
const SCRIPT = `
set -e
ip link add "$1" type wireguard 2>/dev/null || wireguard-go "$1" 2>/dev/null
sed 's/#.*//' "$2" | grep -viE '^ *(Address|DNS|MTU) *=' | wg setconf "$1" /dev/stdin
ip addr add ${TOPOLOGY.tunnel.gateway.v4}/24 dev "$1"
ip addr add ${TOPOLOGY.tunnel.gateway.v6}/64 dev "$1" nodad
ip link set "$1" mtu 1420 up
nft -f - <<END
table inet stock_peer {
  chain translate {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "${TOPOLOGY.gateway.net}" masquerade
  }
  chain pass {
    type filter hook forward priority filter; policy accept;
    tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
  }
}
END
`;

/** Makes the laboratory's gateway an ordinary WireGuard peer, as a provider has it; it ends with the laboratory. */
export async function startStockPeer(laboratory: Laboratory, name: string, file: string): Promise<void> {
  tool("wg");
  const { code, stderr } = await laboratory.run("gateway", [which("sh") ?? "/bin/sh", "-c", SCRIPT, "sh", name, file]);
  if (code !== 0) throw new HushboxError("host", `setting up a WireGuard peer: ${stderr.trim()}`);
}
