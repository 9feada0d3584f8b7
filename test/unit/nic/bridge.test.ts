import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { masterOf } from "../../../src/nic/bridge.js";

test("the bridge that a card is a port of", (t) => {
  const sys = t.testdir({});
  mkdirSync(join(sys, "class/net/eth0"), { recursive: true });
  mkdirSync(join(sys, "class/net/wlan0"));
  symlinkSync("../br0", join(sys, "class/net/eth0/master"));
  t.equal(masterOf("eth0", sys), "br0");
  t.equal(masterOf("wlan0", sys), null, "of none");
  t.equal(masterOf("gone0", sys), null);
  t.equal(masterOf("lo"), null, "on this machine");
  t.end();
});
