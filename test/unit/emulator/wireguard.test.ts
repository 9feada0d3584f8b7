import { mkdirSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { test } from "tap";
import { tunnelTools } from "../../../src/emulator/wireguard.js";

void test("wireguard-go is for kernels without WireGuard, not for those that have yet to load it", (t) => {
  const root = t.testdir({});
  const modules = join(root, "lib/modules", release());
  t.same(tunnelTools(root), ["wg", "wireguard-go"], "nothing is known of the kernel");
  mkdirSync(modules, { recursive: true });
  writeFileSync(join(modules, "modules.dep"), "kernel/drivers/net/tun.ko.xz:\n");
  t.same(tunnelTools(root), ["wg", "wireguard-go"], "a kernel without it");
  writeFileSync(
    join(modules, "modules.dep"),
    "kernel/drivers/net/wireguard/wireguard.ko.xz: kernel/net/ipv4/udp_tunnel.ko.xz\n",
  );
  t.same(tunnelTools(root), ["wg"], "a module that is not loaded");
  writeFileSync(join(modules, "modules.dep"), "");
  writeFileSync(join(modules, "modules.builtin"), "kernel/drivers/net/wireguard/wireguard.ko\n");
  t.same(tunnelTools(root), ["wg"], "part of the kernel");
  t.end();
});
