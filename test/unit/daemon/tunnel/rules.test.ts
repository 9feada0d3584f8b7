import { spawnSync } from "node:child_process";
import { test } from "tap";
import { bootRules, NO_RULES, rulesOf, type RuleOptions } from "../../../../src/daemon/tunnel/rules.js";

const BOX: RuleOptions = {
  role: "box",
  tunnel: "hushwg",
  near: "br0",
  bridgeMac: "02:00:00:00:00:01",
  macs: ["aa:bb:cc:dd:ee:ff"],
  local: ["192.168.0.0/16", "fe80::/10"],
  addresses: ["10.9.0.2", "fd00:9::2"],
  dns: ["10.9.0.1"],
  segment: 1420,
};
const GATEWAY: RuleOptions = { ...BOX, role: "gateway", near: "eth0", bridgeMac: null, macs: [], dns: [] };
const noNft =
  process.getuid?.() !== 0
    ? "needs root, to ask nft"
    : spawnSync("sh", ["-c", "command -v nft unshare"]).status !== 0 && "needs nft and unshare";

/** Whether nft takes it, twice, in a namespace of its own; the rules that it then has. */
function loaded(rules: string): { status: number | null; stderr: string; stdout: string } {
  const script = 'nft -f "$0" && nft -f "$0" && nft list ruleset';
  const { status, stderr, stdout } = spawnSync(
    "unshare",
    ["-n", "sh", "-c", `f=$(mktemp); cat > "$f"; ${script.replaceAll('"$0"', '"$f"')}; s=$?; rm "$f"; exit $s`],
    {
      input: rules,
      encoding: "utf8",
    },
  );
  return { status, stderr, stdout };
}

void test("a device has one way out", (t) => {
  const rules = rulesOf(BOX);
  t.match(rules, 'iifname "br0" ether saddr @defended ip daddr != @local4 meta mark set 26741');
  t.match(rules, "dnat ip to 10.9.0.1");
  t.notMatch(rules, "dnat ip6", "no server of IPv6 is known");
  t.match(rules, "tcp option maxseg size set 1380");
  t.match(rules, "tcp option maxseg size set 1360");
  t.match(rules, "ether daddr set 02:00:00:00:00:01");
  t.match(rules, 'iifname { "hushwg", "hush1" } counter drop');
  const four = rulesOf({ ...BOX, addresses: ["10.9.0.2"] });
  t.match(four, "ip6 daddr != @local6 counter drop", "without an address of its own in the tunnel IPv6 stays at home");
  t.notMatch(rulesOf({ ...BOX, bridgeMac: null }), "table bridge hushbox_tunnel {", "no bridge, no rules for one");
  t.end();
});

void test("nft takes the rules, and takes them again in their own place", { skip: noNft }, (t) => {
  const all = {
    box: rulesOf(BOX),
    routed: rulesOf({ ...BOX, bridgeMac: null }),
    "IPv4 alone": rulesOf({ ...BOX, addresses: ["10.9.0.2"], dns: [] }),
    "no device": rulesOf({ ...BOX, macs: [], local: [] }),
    gateway: rulesOf(GATEWAY),
    boot: bootRules(BOX),
  };
  for (const [what, rules] of Object.entries(all)) {
    const { status, stderr, stdout } = loaded(rules);
    t.equal(status, 0, `${what}: ${stderr}`);
    t.match(stdout, /table inet hushbox_tunnel/);
  }
  t.equal(loaded(rulesOf(BOX) + NO_RULES).stdout, "", "and nothing is left");
  t.end();
});
