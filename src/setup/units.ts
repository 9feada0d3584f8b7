import {
  AP_CONFIG,
  AP_UNIT,
  BOX_UNIT,
  BRIDGE,
  DHCP_CONFIG,
  DHCP_UNIT,
  GATEWAY,
  GUARD_UNIT,
  NAT_RULES,
  NAT_TABLE,
  NAT_UNIT,
  NETWORKD,
  UNITS,
} from "./names.js";
import type { TextFile } from "./networkd.js";

const HEAD = "# Written by hushbox setup; hushbox setup --undo removes it.\n";

/** The name of a card's device unit (systemd.unit(5), string escaping). */
export function deviceUnit(card: string): string {
  const escaped = card.replace(
    /[^A-Za-z0-9:_.]|^\./g,
    (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `sys-subsystem-net-devices-${escaped}.device`;
}

/** hostapd as a unit of ours: Debian's hostapd.service is somebody else's access point, and stays as it is. */
export function accessPointUnit(card: string, isolate: boolean): TextFile {
  return {
    path: `${UNITS}/${AP_UNIT}`,
    why: `hostapd on ${card}`,
    text: `${HEAD}
[Unit]
Description=Access point in front of hushbox
Documentation=man:hostapd(8)
# It goes and comes with its card, which may be a stick.
BindsTo=${deviceUnit(card)}
After=${deviceUnit(card)} ${NETWORKD}
# hostapd would make a bridge of its own where there is none.
Requires=${deviceUnit(BRIDGE)}
After=${deviceUnit(BRIDGE)}
# Where nothing may pass undefended, that is so before the first station joins.
After=${GUARD_UNIT}
Wants=${NETWORKD}
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/sbin/hostapd ${AP_CONFIG}
${isolate ? hairpin(card) : ""}RuntimeDirectory=hushbox-ap
Restart=always
RestartSec=2s
ProtectHome=yes
ProtectSystem=full
PrivateTmp=yes
NoNewPrivileges=yes

[Install]
# Of the bridge too: at a boot that takes so long that systemd gives up waiting for it, it comes nevertheless.
WantedBy=multi-user.target ${deviceUnit(card)} ${deviceUnit(BRIDGE)}
`,
  };
}

/** The bridge sends frames back to the stations that they are for, since the radio does not relay them. A port forgets that when it leaves its bridge. */
function hairpin(card: string): string {
  const knob = `/sys/class/net/${card}/brport/hairpin_mode`;
  return `# hostapd makes the card a port some moments after it starts; hushbox check says where this did not do.
ExecStartPost=-/bin/sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do [ -e ${knob} ] && break; sleep 0.5; done; echo 1 > ${knob}'
`;
}

/** hushbox comes after its card is a port. */
export function boxDropIn(): TextFile {
  return {
    path: `${UNITS}/${BOX_UNIT}.d/access-point.conf`,
    why: "hushbox starts with its access point",
    text: `${HEAD}
[Unit]
Wants=${AP_UNIT}
After=${AP_UNIT} ${NETWORKD}
`,
  };
}

export function dhcpUnit(): TextFile {
  return {
    path: `${UNITS}/${DHCP_UNIT}`,
    why: "dnsmasq for the speaker's network",
    text: `${HEAD}
[Unit]
Description=Addresses and names for the network in front of hushbox
Documentation=man:dnsmasq(8)
After=${NETWORKD} network.target
Wants=${NETWORKD}
StartLimitIntervalSec=0

[Service]
ExecStartPre=/usr/sbin/dnsmasq --test --conf-file=${DHCP_CONFIG}
ExecStart=/usr/sbin/dnsmasq --keep-in-foreground --conf-file=${DHCP_CONFIG} --pid-file=
StateDirectory=hushbox-ap
Restart=always
RestartSec=2s
ProtectHome=yes
ProtectSystem=full
PrivateTmp=yes
NoNewPrivileges=yes

[Install]
WantedBy=multi-user.target
`,
  };
}

export function natUnit(): TextFile {
  return {
    path: `${UNITS}/${NAT_UNIT}`,
    why: "the rules of nftables at boot",
    text: `${HEAD}
[Unit]
Description=The way out of the network in front of hushbox (${GATEWAY})
Documentation=man:nft(8)
# Debian's nftables.service empties all tables when it starts.
After=nftables.service
PartOf=nftables.service
Wants=network-pre.target
Before=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f ${NAT_RULES}
ExecStop=/usr/sbin/nft delete table ip ${NAT_TABLE}

[Install]
WantedBy=multi-user.target
`,
  };
}
