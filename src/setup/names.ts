/** The bridge that joins the two cards between which hushbox stands. */
export const BRIDGE = "hushbr";
/** Routed mode: hushbox's outside card, a port of the bridge, … */
export const OUTSIDE = "hushout";
/** … and its other end, which has the gateway's address. */
export const GATEWAY = "hushgw";

/** hushbox's own configuration; its folder belongs to the daemon's user. */
export const BOX_CONFIG = "/etc/hushbox/hushbox.yaml";
/** What programs of root read: the daemon's user must not be able to write there. */
export const AP_DIRECTORY = "/etc/hushbox-ap";
export const AP_CONFIG = `${AP_DIRECTORY}/hostapd.conf`;
export const DHCP_CONFIG = `${AP_DIRECTORY}/dnsmasq.conf`;
export const NAT_RULES = `${AP_DIRECTORY}/nat.nft`;
/** The table that NAT_RULES makes. */
export const NAT_TABLE = "hushbox_nat";

/**
 * The ledger. Not below /var/lib/hushbox: systemd gives that folder and all in it to the daemon's user (StateDirectory=), who could then
 * write what root restores, and read the copies of files that were not for it.
 */
export const STORE = "/var/lib/hushbox-setup";

export const UNITS = "/etc/systemd/system";
export const AP_UNIT = "hushbox-ap.service";
export const DHCP_UNIT = "hushbox-dhcp.service";
export const NAT_UNIT = "hushbox-nat.service";
export const BOX_UNIT = "hushbox.service";
/** Keeps undefended frames back while hushbox does not run, where `onFailure: closed` says so. */
export const GUARD_UNIT = "hushbox-guard.service";
/** The guard's table of the family bridge, which stays when the unit stops. */
export const GUARD_TABLE = "hushbox_guard";
export const NETWORKD = "systemd-networkd.service";

export const NETWORKD_FILES = "/etc/systemd/network";
export const SYSCTL_FILE = "/etc/sysctl.d/90-hushbox.conf";
export const NM_FILE = "/etc/NetworkManager/conf.d/90-hushbox.conf";
export const RESOLV_CONF = "/etc/resolv.conf";
