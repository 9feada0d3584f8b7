import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type Test } from "tap";
import { blocking, which } from "../../../src/emulator/command.js";
import { hostapdConfig } from "../../../src/setup/hostapd.js";
import { parsePhys, type Phy } from "../../../src/setup/iw-phy.js";
import { withoutAuto } from "../../../src/setup/ifupdown.js";
import { networkManagerFile, sysctlFile } from "../../../src/setup/managers.js";
import { bridgedNetwork, ownMac, routedNetwork } from "../../../src/setup/networkd.js";
import { dnsmasqConfig, natRules } from "../../../src/setup/routed.js";
import { Subnet } from "../../../src/setup/subnet.js";
import { textDiff } from "../../../src/setup/text-diff.js";
import { accessPointUnit, boxDropIn, deviceUnit, dhcpUnit, natUnit } from "../../../src/setup/units.js";
import type { Radio } from "../../../src/setup/wish.js";
import { FULL_PHY, SOFT_PHY } from "../../support/machine-twin.js";

const phyOf = (text: string): Phy => {
  const [phy] = parsePhys(text);
  if (phy === undefined) throw new Error("no phy");
  return phy;
};
const subnet = (text: string): Subnet => {
  const found = Subnet.parse(text);
  if (found === null) throw new Error(text);
  return found;
};

const RADIO: Radio = {
  ssid: "speakers",
  password: "correct horse",
  country: "DE",
  security: "wpa2",
  band: "2.4",
  channel: 6,
};
const lines = (radio: Partial<Radio>, phy: string | null = SOFT_PHY, isolate = false): string[] =>
  hostapdConfig("wlan0", { ...RADIO, ...radio }, phy === null ? null : phyOf(phy), isolate)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), "hushbox-generators-"));
  t.teardown(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

test("hostapd: WPA2 at 2.4 GHz", (t) => {
  t.same(lines({}), [
    "interface=wlan0",
    "driver=nl80211",
    "bridge=hushbr",
    "ctrl_interface=/run/hushbox-ap",
    "ssid=speakers",
    "country_code=DE",
    "ieee80211d=1",
    "hw_mode=g",
    "channel=6",
    "wmm_enabled=1",
    "ieee80211n=1",
    "ht_capab=[SHORT-GI-20]",
    "auth_algs=1",
    "wpa=2",
    "rsn_pairwise=CCMP",
    "wpa_key_mgmt=WPA-PSK",
    "wpa_passphrase=correct horse",
  ]);
  t.end();
});

test("hostapd: frames between two stations go to the bridge", (t) => {
  t.same(lines({}, SOFT_PHY, true), [...lines({}), "ap_isolate=1", "tdls_prohibit=1"]);
  const unit = accessPointUnit("wlan0", true).text;
  t.match(unit, /^ExecStartPost=-\/bin\/sh -c '.*; echo 1 > \/sys\/class\/net\/wlan0\/brport\/hairpin_mode'$/m);
  t.notMatch(accessPointUnit("wlan0", false).text, "hairpin");
  t.end();
});

test("hostapd: what the card can do at 5 GHz, and no more", (t) => {
  const wide = lines({ band: "5", channel: 44 });
  t.match(
    wide.join("\n"),
    "hw_mode=a\nchannel=44\nwmm_enabled=1\nieee80211n=1\nht_capab=[SHORT-GI-20][HT40+][SHORT-GI-40]",
  );
  t.match(
    wide.join("\n"),
    "ieee80211ac=1\nvht_capab=[SHORT-GI-80]\nvht_oper_chwidth=1\nvht_oper_centr_freq_seg0_idx=42",
  );
  t.match(lines({ band: "5", channel: 48 }).join("\n"), "[HT40-]");
  t.match(lines({ band: "5", channel: 165 }).join("\n"), "vht_oper_chwidth=0", "alone in its block");
  const without = SOFT_PHY.replace("* 5240 MHz [48] (20.0 dBm)", "* 5240 MHz [48] (disabled)");
  t.match(lines({ band: "5", channel: 36 }, without).join("\n"), "vht_oper_chwidth=0");
  t.notMatch(lines({ band: "5", channel: 36 }, without).join("\n"), "HT40");
  t.match(lines({}, FULL_PHY).join("\n"), "ht_capab=[SHORT-GI-20]");
  t.notMatch(lines({}, null).join("\n"), "ht_capab", "nothing that a card might not have");
  t.end();
});

test("hostapd: WPA3, both, a key, and names that are not plain", (t) => {
  const key = "0123456789abcdef".repeat(4);
  t.match(lines({ security: "wpa3" }).slice(-4), [
    "wpa_key_mgmt=SAE",
    "ieee80211w=2",
    "sae_pwe=2",
    "wpa_passphrase=correct horse",
  ]);
  t.match(lines({ security: "transition" }).join("\n"), "wpa_key_mgmt=WPA-PSK SAE\nieee80211w=1\nsae_require_mfp=1");
  t.equal(lines({ password: key }).at(-1), `wpa_psk=${key}`);
  t.ok(lines({ ssid: "Küche " }).includes("ssid2=4bc3bc63686520"));
  t.ok(lines({ ssid: "plain # name" }).includes("ssid=plain # name"));
  t.end();
});

const noHostapd = which("hostapd") === null ? "needs the Debian package hostapd" : false;
test("hostapd itself reads what is written", { skip: noHostapd }, (t) => {
  const path = join(folder(t), "hostapd.conf");
  const variants: [Partial<Radio>, string | null][] = [
    [{}, SOFT_PHY],
    [{}, null],
    [{ security: "wpa3", band: "5", channel: 36 }, SOFT_PHY],
    [{ security: "transition", ssid: " #Küche", password: " #\"'\\ ~!\u0020" }, SOFT_PHY],
    [{ password: "0123456789abcdef".repeat(4) }, FULL_PHY],
  ];
  // Where it reads its file it goes on to the card, which is not there.
  const said = (text: string): string => {
    writeFileSync(path, text);
    const { stdout, stderr } = blocking(which("hostapd") ?? "", [path]);
    return stdout + stderr;
  };
  for (const [radio, phy] of variants) {
    for (const isolate of [false, true]) {
      const text = hostapdConfig("hushnocard", { ...RADIO, ...radio }, phy === null ? null : phyOf(phy), isolate);
      t.notMatch(said(text), /Line \d+:|errors? found in configuration/i, JSON.stringify(radio));
    }
  }
  t.match(
    said(hostapdConfig("hushnocard", { ...RADIO, password: "short" }, null, false)),
    /Line \d+: invalid WPA passphrase/,
  );
  t.end();
});

test("networkd: bridged", (t) => {
  const files = bridgedNetwork(
    "wlan0",
    { name: "eth0", mac: "dc:a6:32:00:00:01", address: "dhcp", addressed: true, iaid: null },
    [],
  );
  const text = (name: string): string => files.find(({ path }) => path.endsWith(`/00-hushbox-${name}`))?.text ?? "";
  t.match(text("ap.network"), "[Match]\nName=wlan0\n\n[Link]\nUnmanaged=yes");
  t.match(text("bridge.netdev"), "Name=hushbr\nKind=bridge\nMACAddress=dc:a6:32:00:00:01");
  t.match(text("uplink.network"), "Name=eth0\n\n[Link]\nRequiredForOnline=no\n\n[Network]\nBridge=hushbr");
  t.match(text("bridge.network"), "DHCP=ipv4\nIPv6AcceptRA=yes");
  t.end();
});

test("networkd: routed", (t) => {
  const files = routedNetwork("wlan0", "dc:a6:32:00:00:02", subnet("10.1.0.0/16"));
  const all = files.map(({ text }) => text).join("");
  t.match(all, "Name=hushout\nKind=veth");
  t.match(all, "[Peer]\nName=hushgw");
  t.match(all, "OriginalName=hushgw\n\n[Link]\nTransmitChecksumOffload=no");
  t.match(all, "Address=10.1.0.1/16");
  t.match(ownMac("a", "b"), /^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/, "local, and of one card");
  t.equal(ownMac("a", "b"), ownMac("a", "b"));
  t.not(ownMac("a", "b"), ownMac("a", "c"));
  t.end();
});

const noDnsmasq = which("dnsmasq") === null ? "needs dnsmasq" : false;
test("dnsmasq reads what is written", { skip: noDnsmasq }, (t) => {
  const path = join(folder(t), "dnsmasq.conf");
  for (const network of ["192.168.77.0/24", "10.0.0.0/8", "192.168.1.16/28"]) {
    const { text } = dnsmasqConfig(subnet(network));
    writeFileSync(path, text);
    t.match(blocking(which("dnsmasq") ?? "", ["--test", `--conf-file=${path}`]), { code: 0 }, network);
  }
  t.match(dnsmasqConfig(subnet("192.168.1.16/28")).text, "dhcp-range=192.168.1.18,192.168.1.30,255.255.255.240");
  t.end();
});

const noNft =
  process.getuid?.() !== 0
    ? "needs root"
    : which("nft") === null
      ? "needs nftables"
      : which("unshare") === null
        ? "needs util-linux"
        : false;
test("nftables takes the rules, again and again", { skip: noNft }, (t) => {
  const path = join(folder(t), "nat.nft");
  const { text } = natRules(subnet("192.168.77.0/24"), "eth0");
  writeFileSync(path, text);
  const nft = which("nft") ?? "";
  const { code, stdout, stderr } = blocking("/usr/bin/unshare", [
    "--net",
    "sh",
    "-c",
    `${nft} -f ${path} && ${nft} -f ${path} && ${nft} list ruleset`,
  ]);
  t.equal(code, 0, stderr);
  t.match(stdout, 'ip saddr 192.168.77.0/24 oifname "eth0" masquerade');
  t.equal(stdout.match(/masquerade\n/g)?.length, 1, "once");
  t.end();
});

const noSystemd = which("systemd-analyze") === null ? "needs systemd" : false;
test("systemd finds nothing wrong with the units", { skip: noSystemd }, (t) => {
  const root = folder(t);
  mkdirSync(join(root, "hushbox.service.d"));
  for (const { path, text } of [accessPointUnit("wlan0", true), dhcpUnit(), natUnit(), boxDropIn()]) {
    // The programs may not be installed here; that they are is looked at before setup.
    const own = text.replace(/^(Exec\w+=)\/usr\/sbin\/\S+/gm, "$1/bin/true");
    writeFileSync(join(root, path.replace("/etc/systemd/system/", "")), own);
  }
  writeFileSync(join(root, "hushbox.service"), "[Service]\nExecStart=/bin/true\n");
  for (const unit of ["hushbox-ap", "hushbox-dhcp", "hushbox-nat", "hushbox"]) {
    const { code, stderr } = blocking(which("systemd-analyze") ?? "", [
      "verify",
      "--man=no",
      "--recursive-errors=no",
      join(root, `${unit}.service`),
    ]);
    t.equal(code, 0, `${unit}: ${stderr}`);
    t.notMatch(stderr, new RegExp(`${unit}.service`), "nothing is said of it");
  }
  t.match(
    accessPointUnit("wlan0", false).text,
    "WantedBy=multi-user.target sys-subsystem-net-devices-wlan0.device sys-subsystem-net-devices-hushbr.device\n",
    "it comes with whichever card is there last",
  );
  t.equal(deviceUnit("wlan0"), "sys-subsystem-net-devices-wlan0.device");
  t.equal(deviceUnit("wl-x"), "sys-subsystem-net-devices-wl\\x2dx.device");
  t.end();
});

test("small files", (t) => {
  t.match(networkManagerFile(["wlan0"], false).text, /^#.*\n\[keyfile\]\nunmanaged-devices\+=interface-name:wlan0\n$/);
  t.match(networkManagerFile(["a", "b"], true).text, "[main]\ndns=none");
  t.notMatch(sysctlFile("bridged").text, "ip_forward");
  t.match(sysctlFile("routed").text, "-net.ipv4.ip_forward = 1");
  t.equal(withoutAuto("auto eth0.1 eth1\n", ["eth0"]), "auto eth0.1 eth1\n", "another card is another card");
  t.equal(
    withoutAuto("auto lo \\\n  eth0\nauto eth0=home eth1", ["eth0"]),
    "auto lo\n# taken over by hushbox setup: auto lo eth0\nauto eth1\n# taken over by hushbox setup: auto eth0=home eth1",
    "lines that go on, and stanzas of other names",
  );
  t.throws(() => withoutAuto("auto /et*", ["eth0"], "/x"), {
    code: "setup",
    message: '/x lets ifupdown bring cards up by a pattern ("auto /et*"), which stands for eth0 too',
  });
  t.equal(withoutAuto("auto /wl*", ["eth0"]), "auto /wl*");
  t.equal(withoutAuto("  allow-hotplug wlan0", ["wlan0"]), "# taken over by hushbox setup: allow-hotplug wlan0");
  t.end();
});

test("differences, line by line", (t) => {
  t.same(textDiff("", "a\nb\n"), ["+a", "+b"]);
  t.same(textDiff("a\nb\n", ""), ["-a", "-b"]);
  t.same(textDiff("a\n", "a\n"), [" …"]);
  t.same(textDiff("1\n2\n3\n4\n5\n6\n7\n", "1\n2\n3\nx\n5\n6\n7\n"), [" …", " 3", "-4", "+x", " 5", " …"]);
  t.end();
});
