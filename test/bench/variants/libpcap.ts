import { Child } from "../child.js";
import { program } from "../programs.js";
import type { Variant } from "../variant.js";

/** test/bench/forwarder.c: the usual libpcap program in C. */
export const libpcap: Variant = {
  name: "libpcap",
  about: "a C program with libpcap: pcap_dispatch, pcap_sendpacket",
  forwards: true,
  lateness: "none",
  missing: () => null,
  async start(topology) {
    const child = new Child(topology.box, program("forwarder"), ["p0", "p1"]);
    await child.printed(/^ready/m);
    return child;
  },
};
