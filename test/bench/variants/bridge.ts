import { run } from "../child.js";
import type { Variant } from "../variant.js";

/** The kernel's bridge: what the cable itself costs. */
export const bridge: Variant = {
  name: "bridge",
  about: "the kernel bridge: the limit of the test bed",
  forwards: true,
  lateness: "none",
  missing: () => null,
  start(topology) {
    run("ip", ["-n", topology.box, "link", "add", "br0", "type", "bridge", "stp_state", "0", "mcast_snooping", "0"]);
    for (const port of ["p0", "p1"]) run("ip", ["-n", topology.box, "link", "set", port, "master", "br0"]);
    run("ip", ["-n", topology.box, "link", "set", "br0", "up"]);
    return Promise.resolve(null);
  },
};
