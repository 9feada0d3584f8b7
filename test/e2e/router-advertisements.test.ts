// The box has its own way to the world by IPv6 from the router's advertisements (RFC 4861). With a tunnel it routes, and a kernel that routes
// takes none, unless it is told to.
//
//     speaker ── box br0 ── router (dnsmasq advertises) ── isp ── world
//
// Needs root, what the laboratory needs, dnsmasq-base, and WireGuard: the kernel's or wireguard-go; skipped aloud without.
import tap, { test } from "tap";
import { which } from "../../src/emulator/command.js";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import { TunnelStage, tunnelMissing } from "../support/tunnel-stage.js";

const skip = tunnelMissing() || (which("dnsmasq") === null && "install the Debian package dnsmasq-base");
/** Seconds that an advertised router is good for, and between two advertisements. */
const [LIFETIME, EVERY] = [30, 4];

tap.setTimeout(120_000);

interface Route {
  readonly protocol?: string;
  readonly expires?: number;
}

void test("a box with a tunnel goes on taking router advertisements", { skip, timeout: 100_000 }, async (t) => {
  const { box, router, world } = TOPOLOGY;
  const ground = await TunnelStage.open(t, "hx-ra");
  const { laboratory, stage } = ground;
  const inBox = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await laboratory.run("box", words);
    if (code !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
    return stdout;
  };
  const routers = async (): Promise<Route[]> =>
    JSON.parse(await inBox("ip", "-j", "-6", "route", "show", "default", "proto", "ra")) as Route[];
  const settings = async (): Promise<string[]> => {
    const names = [`${box.bridge}/accept_ra`, `${box.inside}/accept_ra`, "all/forwarding"];
    const said = await inBox("cat", ...names.map((name) => `/proc/sys/net/ipv6/conf/${name}`));
    return said.trim().split("\n");
  };

  await inBox("ip", "-6", "route", "del", "default");
  await inBox("sh", "-c", `echo 1 >/proc/sys/net/ipv6/conf/${box.bridge}/accept_ra`);
  t.same(await settings(), ["1", "0", "0"]);
  const advertises = [
    "--enable-ra",
    `--dhcp-range=${router.v6},ra-only`,
    `--ra-param=${router.lan},${EVERY},${LIFETIME}`,
  ];
  const quiet = ["--port=0", "--user=root", "--conf-file=/dev/null", "--pid-file=", `--interface=${router.lan}`];
  const dnsmasq = stage.start("router", which("dnsmasq") ?? "", "--keep-in-foreground", ...quiet, ...advertises);
  await dnsmasq.until(async () => (await routers()).length === 1, "advertise itself", 20_000);

  await ground.start(t, "gateway");
  const child = (await ground.start(t, "box")).child;
  t.same(await settings(), ["2", "0", "1"], "routing is on; who took none still takes none");
  t.match(await routers(), [{}], "and the router is known");
  let last = Infinity;
  // Renewed: what is left of its lifetime grows.
  await child.until(
    async () => {
      const left = (await routers())[0]?.expires ?? 0;
      const grew = left > last;
      last = left;
      return grew;
    },
    "hear the next advertisement",
    4 * EVERY * 1000,
  );
  t.match(
    await inBox("ping", "-n", "-c", "1", "-W", "2", world.v6),
    / 0% packet loss/,
    "the box itself reaches the world by it",
  );
});
