/** The kernel's end of the pair that leads to the datapath; routes and addresses are here. */
export const KERNEL_END = "hush0";
/** The datapath's end: nothing listens here but its ring. */
export const DATAPATH_END = "hush1";
/** Of the kernel's end: packets on the pair are known by it. Locally administered ("hush0"). */
export const PAIR_MAC = "02:68:75:73:68:30";
/** nft's name of our tables, in the families inet and bridge. */
export const NFT_TABLE = "hushbox_tunnel";
/** Firewall mark of what must go through the tunnel, routing table and priority of the rule ("hu"). */
export const MARK = 0x6875;
