import { DHCP_CONFIG, GATEWAY, NAT_RULES, NAT_TABLE } from "./names.js";
import type { TextFile } from "./networkd.js";
import type { Subnet } from "./subnet.js";

/** The smallest network that has a gateway and room for guests. */
export const LARGEST_PREFIX = 28;

/** dnsmasq: addresses and names for the speaker's network, and for no other. */
export function dnsmasqConfig(subnet: Subnet): TextFile {
  const [first, last] = subnet.bits <= 24 ? [50, -6] : [2, -2];
  return {
    path: DHCP_CONFIG,
    why: `addresses and names for ${subnet.toString()}`,
    text: `# Written by hushbox setup; hushbox setup --undo removes it.
interface=${GATEWAY}
except-interface=lo
# Beside another dnsmasq or resolver of this machine, and before the gateway is there.
bind-dynamic
dhcp-authoritative
dhcp-range=${subnet.host(first)},${subnet.host(last)},${subnet.netmask},12h
dhcp-option=option:router,${subnet.host(1)}
dhcp-option=option:dns-server,${subnet.host(1)}
dhcp-leasefile=/var/lib/hushbox-ap/dnsmasq.leases
# Plain names and addresses of homes are nobody's business upstream.
domain-needed
bogus-priv
`,
  };
}

/** nftables: the speaker's network goes out in this machine's name, and nothing comes in that was not asked for. */
export function natRules(subnet: Subnet, uplink: string): TextFile {
  return {
    path: NAT_RULES,
    why: `${subnet.toString()} reaches the world through ${uplink}`,
    text: `# Written by hushbox setup; hushbox setup --undo removes it. Loading it again replaces it.
table ip ${NAT_TABLE}
delete table ip ${NAT_TABLE}
table ip ${NAT_TABLE} {
	chain outgoing {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr ${subnet.toString()} oifname "${uplink}" masquerade
	}
	chain guests {
		type filter hook forward priority filter; policy accept;
		oifname "${GATEWAY}" ct state established,related accept
		oifname "${GATEWAY}" drop
	}
}
`,
  };
}
