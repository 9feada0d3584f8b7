import { existsSync, readlinkSync, symlinkSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { test, type Test } from "tap";
import { hasKey } from "../../../src/setup/box-config.js";
import { checkAccessPoint } from "../../../src/setup/check-access-point.js";
import { setUp, type SetupFlags } from "../../../src/setup/set-up.js";
import type { Asker } from "../../../src/setup/terminal.js";
import { undo } from "../../../src/setup/undo.js";
import { FULL_PHY, MachineTwin, STATION_PHY } from "../../support/machine-twin.js";

const PASSWORD = "correct horse battery";
const FLAGS: SetupFlags = {
  mode: null,
  inside: null,
  outside: null,
  take: false,
  ssid: "speakers",
  password: PASSWORD,
  country: "DE",
  security: null,
  band: null,
  channel: null,
  subnet: null,
  devices: ["kitchen=aa:bb:cc:00:11:22"],
  wait: 0,
  preset: null,
  onFailure: null,
  isolate: false,
  dryRun: false,
  force: false,
  start: true,
};

interface Said {
  shown: string;
  said: string[];
}

async function setup(machine: MachineTwin, flags: Partial<SetupFlags> = {}, asker: Asker | null = null) {
  const heard: Said = { shown: "", said: [] };
  const progress = { say: (line: string) => void heard.said.push(line), check: () => undefined, every: 1 };
  const show = (text: string): void => {
    heard.shown += `${text}\n`;
  };
  const report = await setUp({ ...FLAGS, ...flags }, { host: machine.host, asker, progress, show });
  return { ...heard, report };
}

const back = (machine: MachineTwin, force = false) =>
  undo({ force, dryRun: false }, machine.host, { say: () => undefined, check: () => undefined, every: 1 });

const STORE = "/var/lib/hushbox-setup";
const there = (machine: MachineTwin, path: string): boolean => existsSync(join(machine.root, path));

test("bridged: writes, starts, and undoes every bit", async (t) => {
  const machine = new MachineTwin(t);
  const before = machine.etc();
  const { report, shown } = await setup(machine);
  t.match(report, { done: true, mode: "bridged", inside: "wlan0", uplink: "eth0", devices: [{ name: "kitchen" }] });
  t.match(machine.read("/etc/hushbox/hushbox.yaml"), /^inside: wlan0\noutside: eth0\ndevices:\n {2}- name: kitchen$/m);
  t.match(machine.read("/etc/hushbox-ap/hostapd.conf"), `wpa_passphrase=${PASSWORD}\n`);
  t.equal(statSync(join(machine.root, "/etc/hushbox-ap/hostapd.conf")).mode & 0o777, 0o600);
  t.match(machine.read("/etc/systemd/network/00-hushbox-bridge.netdev"), "MACAddress=dc:a6:32:00:00:01");
  t.match(shown, "+wpa_passphrase=(the password)");
  t.notMatch(shown + JSON.stringify(report) + machine.ran.join("\n"), PASSWORD, "the password is nowhere else");
  t.notMatch(machine.read(`${STORE}/ledger.json`), PASSWORD);
  for (const unit of ["systemd-networkd", "hushbox-ap", "hushbox"]) t.ok(machine.active.has(`${unit}.service`), unit);
  t.match(await checkAccessPoint(machine.host, { inside: "wlan0", outside: "eth0" }), [{ status: "ok" }]);

  const undone = await back(machine);
  t.equal(undone.done, true);
  t.same(machine.etc(), before, "a recursive diff of /etc is empty");
  t.notOk(there(machine, STORE));
  t.same([...machine.active], [], "units stand as before");
  t.match(await back(machine), { done: false, restored: [] }, "there is nothing more to undo");
});

test("routed: gateway, addresses and rules of a free network", async (t) => {
  const machine = new MachineTwin(t);
  machine.answers.set("ip -j -4 route show", '[{"dst":"default","dev":"eth0"},{"dst":"192.168.0.0/17","dev":"eth0"}]');
  machine.file("/proc/sys/net/bridge/bridge-nf-call-iptables", "1\n");
  const before = machine.etc();
  await setup(machine, { mode: "routed" });
  t.match(machine.read("/etc/hushbox/hushbox.yaml"), /^outside: hushout$/m);
  t.match(machine.read("/etc/hushbox-ap/dnsmasq.conf"), "dhcp-range=192.168.177.50,192.168.177.250,255.255.255.0,12h");
  t.match(machine.read("/etc/hushbox-ap/nat.nft"), 'ip saddr 192.168.177.0/24 oifname "eth0" masquerade');
  t.equal(machine.read("/proc/sys/net/ipv4/ip_forward"), "1");
  t.equal(machine.read("/proc/sys/net/bridge/bridge-nf-call-iptables"), "0");
  t.ok(machine.ran.includes("systemctl restart hushbox-dhcp.service"));
  await back(machine);
  t.same(machine.etc(), before);
  t.equal(machine.read("/proc/sys/net/ipv4/ip_forward"), "0", "kernel settings are back");
  t.equal(machine.read("/proc/sys/net/bridge/bridge-nf-call-iptables"), "1");
});

test("Raspberry Pi OS: NetworkManager lets go of the cards, the radio is unblocked, names are still found", async (t) => {
  const machine = new MachineTwin(t);
  machine.active.add("NetworkManager.service");
  machine.phy = FULL_PHY;
  machine.file("/sys/class/rfkill/rfkill0/soft", "1\n");
  machine.file("/run/NetworkManager/resolv.conf", "nameserver 192.0.2.1\n");
  rmSync(join(machine.root, "/etc/resolv.conf"));
  symlinkSync("../run/NetworkManager/resolv.conf", join(machine.root, "/etc/resolv.conf"));
  const before = machine.etc();
  await setup(machine);
  const file = machine.read("/etc/NetworkManager/conf.d/90-hushbox.conf");
  t.match(file, "unmanaged-devices+=interface-name:wlan0;interface-name:eth0;interface-name:hushbr");
  t.match(file, "[main]\ndns=none");
  t.equal(machine.read("/etc/resolv.conf").split("\n")[1], "nameserver 192.0.2.1");
  t.throws(() => readlinkSync(join(machine.root, "/etc/resolv.conf")));
  t.equal(machine.read("/sys/class/rfkill/rfkill0/soft"), "0");
  const order = [
    "systemctl reload NetworkManager.service",
    "systemctl start systemd-networkd.service",
    "systemctl restart hushbox-ap.service",
  ];
  t.same(
    order.map((line) => machine.ran.indexOf(line)).toSorted((a, b) => a - b),
    order.map((line) => machine.ran.indexOf(line)),
  );
  t.ok(machine.ran.includes(order[0] ?? ""));
  await back(machine);
  t.same(machine.etc(), before, "the link is back too");
  t.equal(machine.read("/sys/class/rfkill/rfkill0/soft"), "1");
  t.ok(machine.active.has("NetworkManager.service"));
});

test("ifupdown: the card's stanza stays, its start at boot does not", async (t) => {
  const machine = new MachineTwin(t);
  machine.file(
    "/etc/network/interfaces",
    "auto lo eth0\niface lo inet loopback\nallow-hotplug eth0\niface eth0 inet dhcp\n",
  );
  const before = machine.etc();
  await setup(machine);
  t.equal(
    machine.read("/etc/network/interfaces"),
    "auto lo\n# taken over by hushbox setup: auto lo eth0\niface lo inet loopback\n# taken over by hushbox setup: allow-hotplug eth0\niface eth0 inet dhcp\n",
  );
  t.ok(machine.ran.includes("ifdown --force eth0"));
  await back(machine);
  t.same(machine.etc(), before);
  t.ok(machine.ran.includes("ifup --force eth0"));
});

test("a static address moves to the bridge", async (t) => {
  const machine = new MachineTwin(t);
  machine.answers.set(
    "ip -j -4 address show dev eth0",
    '[{"addr_info":[{"family":"inet","local":"192.0.2.9","prefixlen":24}]}]',
  );
  await setup(machine);
  const text = machine.read("/etc/systemd/network/00-hushbox-bridge.network");
  t.match(text, "Address=192.0.2.9/24\nGateway=192.0.2.1\nDNS=192.0.2.1\n");
  t.notMatch(text, "DHCP");
});

test("a lease of systemd-networkd is asked for as before, so that the address stays", async (t) => {
  const machine = new MachineTwin(t);
  const lease = "ADDRESS=192.0.2.9\nCLIENTID=ff0a0b0c0d00020000ab11deadbeef\n";
  machine.file("/sys/class/net/eth0/ifindex", "2\n");
  machine.file("/run/systemd/netif/leases/2", lease);
  await setup(machine);
  const path = "/etc/systemd/network/00-hushbox-bridge.network";
  t.match(machine.read(path), "[DHCPv4]\nIAID=168496141\n");
  machine.file("/sys/class/net/hushbr/ifindex", "7\n");
  rmSync(join(machine.root, "/run/systemd/netif/leases/2"));
  machine.file("/run/systemd/netif/leases/7", lease);
  const { report } = await setup(machine);
  t.match(
    report.files.find((file) => file.path === path),
    { change: "as it is" },
    "a second time it is the bridge's",
  );
  await back(machine);
  machine.file("/run/systemd/netif/leases/2", "CLIENTID=010203\n");
  await setup(machine);
  t.match(machine.read(path), "[DHCPv4]\nClientIdentifier=mac\n");
});

test("the user's hushbox.yaml is kept, but for what was asked", async (t) => {
  const machine = new MachineTwin(t);
  const text = `# mine
inside: in0 # old
outside: out0
preset: standalone
devices: # two
  - { name: hall, mac: "AA:BB:CC:00:00:01" }
log: { level: debug }
`;
  machine.file("/etc/hushbox/hushbox.yaml", text);
  await setup(machine, { devices: [] });
  t.equal(
    machine.read("/etc/hushbox/hushbox.yaml"),
    text.replace("in0 #", "wlan0 #").replace("out0", "eth0"),
    "devices that are configured need no flag",
  );
  await back(machine);
  t.equal(machine.read("/etc/hushbox/hushbox.yaml"), text);
  await setup(machine, { preset: "paper" });
  t.match(machine.read("/etc/hushbox/hushbox.yaml"), /^# mine[^]*^preset: paper[^]*hall[^]*kitchen/m);
  await back(machine);
  machine.file("/etc/hushbox/hushbox.yaml", "inside: [\n");
  await t.rejects(setup(machine), { code: "config-invalid", message: /hushbox\.yaml:2:1/ });
  t.notOk(there(machine, STORE));
});

test("a second setup changes the first, and undo still knows what was at first", async (t) => {
  const machine = new MachineTwin(t);
  machine.file("/etc/sysctl.d/90-hushbox.conf", "# somebody's own\n");
  const before = machine.etc();
  await setup(machine);
  const again = await setup(machine, { password: "another password", ssid: "other" });
  const changes = again.report.files.filter(({ change }) => change !== "as it is");
  t.same(
    changes.map(({ path }) => path),
    ["/etc/hushbox-ap/hostapd.conf"],
  );
  t.match(machine.read("/etc/hushbox-ap/hostapd.conf"), "wpa_passphrase=another password");
  await t.rejects(setup(machine, { mode: "routed" }), {
    message: /set up already, bridged, with wlan0 and eth0: hushbox setup --undo first/,
  });

  machine.answers.set("systemctl restart hushbox-ap.service", { code: 1, stderr: "no such thing" });
  const inForce = machine.etc();
  await t.rejects(setup(machine, { ssid: "third" }), { message: /no such thing/ });
  t.same(machine.etc(), inForce, "a third that fails leaves the second in force");
  t.ok(machine.ran.includes("systemctl try-restart hushbox-ap.service"));

  await back(machine);
  t.same(machine.etc(), before);
});

test("what was changed by hand is not lost unasked", async (t) => {
  const machine = new MachineTwin(t);
  const before = machine.etc();
  await setup(machine);
  machine.file("/etc/hushbox-ap/hostapd.conf", "mine\n");
  await t.rejects(back(machine), { message: /hostapd\.conf was changed by hand since[^]*--force/ });
  await t.rejects(setup(machine), { message: /was changed by hand since setup wrote it.*--force/ });
  t.equal(machine.read("/etc/hushbox-ap/hostapd.conf"), "mine\n");
  t.ok(machine.active.has("hushbox-ap.service"), "a refused undo stops nothing");
  const { copies } = await back(machine, true);
  t.same(machine.etc(), before);
  t.equal(machine.read("/var/lib/hushbox-setup-changed/etc_hushbox-ap_hostapd.conf"), "mine\n");
  t.equal(copies.length, 1);
});

test("what fails on the way leaves nothing", async (t) => {
  const table: readonly (readonly [command: string, message: RegExp])[] = [
    ["systemctl enable", /enabling units failed/],
    ["systemctl daemon-reload", /reading units failed/],
    ["systemctl start systemd-networkd", /starting systemd-networkd failed/],
    ["systemctl restart hushbox-ap", /starting the access point failed/],
    ["systemctl restart hushbox.service", /hushbox did not start; it says:\nOH/],
    ["iw dev", /the access point did not come up; hostapd says:\nOH/],
    ["ip -4 -o address", /the bridge got no address from the router/],
  ];
  for (const [command, message] of table) {
    const machine = new MachineTwin(t);
    machine.answers.set("journalctl", "OH\n");
    const before = machine.etc();
    let looks = 0;
    const listed = "phy#0\n\tInterface wlan0\n\t\taddr dc:a6:32:00:00:02\n\t\ttype managed\n";
    machine.answers.set(command, () =>
      command === "iw dev" ? (looks++, listed) : { code: command === "ip -4 -o address" ? 0 : 1 },
    );
    await t.rejects(setup(machine), { code: "setup", message }, command);
    if (command !== "systemctl daemon-reload") t.ok(command !== "iw dev" || looks > 2);
    t.same(machine.etc(), before, `${command}: files`);
    t.notOk(there(machine, STORE), `${command}: no ledger`);
    t.same([...machine.active], [], `${command}: units`);
  }
});

test("bad input is a sentence that says what to do, and changes nothing", async (t) => {
  type Bad = readonly [name: string, prepare: (machine: MachineTwin) => Partial<SetupFlags>, message: RegExp];
  const table: readonly Bad[] = [
    ["no radio", (m) => (m.answers.set("iw dev", ""), {}), /no Wi-Fi card that Linux knows.*plug one in/],
    ["a station only", (m) => ((m.phy = STATION_PHY), {}), /wlan0 cannot be an access point.*another card/],
    ["no iw", (m) => (m.missing.add("iw"), m.missing.add("hostapd"), {}), /apt-get install hostapd iw$/],
    ["no dnsmasq", (m) => (m.missing.add("dnsmasq"), { mode: "routed" }), /apt-get install dnsmasq-base/],
    ["no radio rules", (m) => (m.file("/lib/firmware/regulatory.db", "x"), {}), /apt-get install wireless-regdb/],
    [
      "joined",
      (m) => ((m.ssid = "Home"), m.active.add("NetworkManager.service"), {}),
      /wlan0 is joined to the network "Home": nmcli connection down ".*--take/,
    ],
    [
      "held",
      (m) => (m.file("/proc/77/cmdline", "wpa_supplicant\0-B\0-iwlan0\0"), {}),
      /in the hands of wpa_supplicant \(process 77\): end it/,
    ],
    [
      "another hostapd",
      (m) => (
        m.file("/etc/x.conf", "interface=wlan0\n"),
        m.file("/proc/78/cmdline", "/usr/sbin/hostapd\0/etc/x.conf\0"),
        {}
      ),
      /access point already.*disable --now hostapd/,
    ],
    ["the only way out", () => ({ outside: "wlan0" }), /wlan0 is this machine's own way to the Internet/],
    [
      "no way out",
      (m) => (m.answers.set("ip -j -4 route", "[]"), m.answers.set("ip -j -6 route", "[]"), {}),
      /no default route.*--outside/,
    ],
    ["no such card", () => ({ outside: "eth9" }), /there is no card eth9/],
    ["not that one", () => ({ inside: "eth0" }), /eth0 is no Wi-Fi card; there are wlan0/],
    ["a bridge", (m) => (m.file("/sys/class/net/eth0/bridge/x", ""), {}), /is a bridge already.*--mode routed/],
    ["a tunnel", (m) => (m.file("/sys/class/net/eth0/type", "65534\n"), {}), /no Ethernet card/],
    ["dhcpcd", (m) => (m.active.add("dhcpcd.service"), {}), /dhcpcd looks after.*raspi-config/],
    ["switched off", (m) => (m.file("/sys/class/rfkill/rfkill0/hard", "1\n"), {}), /switch of the machine/],
    ["country", () => ({ country: "XX" }), /the country "XX" is none/],
    ["no country", (m) => ((m.country = "00"), { country: null }), /needs --country CC/],
    ["nothing", () => ({ ssid: null, password: null }), /needs --ssid NAME, --password-file FILE$/],
    ["password", () => ({ password: "short" }), /has 5 characters: WPA wants 8/],
    ["name", () => ({ ssid: "x".repeat(33) }), /33 bytes, and 32 fit/],
    ["channel", () => ({ channel: 13 }), /no channel 13 at 2\.4 GHz: choose --channel 1, 6, 11/],
    [
      "forbidden channel",
      () => ({ channel: 165 }),
      /165 is not for access points in this country: choose --channel 36, 40, 44, 48/,
    ],
    ["radar", () => ({ band: "5", channel: 52 }), /52 is shared with radar/],
    ["band", (m) => ((m.phy = FULL_PHY), { band: "5" }), /no 5 GHz: choose --band 2\.4/],
    [
      "WPA3",
      (m) => ((m.phy = FULL_PHY), { security: "wpa3" }),
      /firmware does not let hostapd do WPA3.*--security wpa2/,
    ],
    [
      "clash",
      () => ({ mode: "routed", subnet: "192.0.2.128/25" }),
      /192\.0\.2\.128\/25 overlaps 192\.0\.2\.0\/24, which this machine reaches through eth0/,
    ],
    ["no network", () => ({ mode: "routed", subnet: "192.168.1.0/30" }), /--subnet .* is no network/],
    [
      "port",
      (m) => (m.file("/proc/net/udp", "  1: 00000000:0043 00000000:0000\n"), { mode: "routed" }),
      /another DHCP server.*ss -ulpn/,
    ],
    [
      "no bridge family",
      (m) => (m.answers.set("nft add table bridge", { code: 1, stderr: "Error: Operation not supported" }), {}),
      /does not filter bridged frames.*Operation not supported/,
    ],
    ["no device", () => ({ devices: [] }), /which devices\?.*--wait/],
    [
      "device twice",
      () => ({ devices: ["a=aa:bb:cc:00:11:22", "b=aa:bb:cc:00:11:22"] }),
      /is the address of device 1 already/,
    ],
  ];
  for (const [name, prepare, message] of table) {
    const machine = new MachineTwin(t);
    const flags = prepare(machine);
    const before = machine.etc();
    await t.rejects(setup(machine, flags), { message }, name);
    t.same(machine.etc(), before, `${name}: files`);
    t.notOk(there(machine, STORE), `${name}: no ledger`);
  }
});

test("a dry run only tells", async (t) => {
  const machine = new MachineTwin(t);
  const before = machine.etc();
  const { shown, report } = await setup(machine, { dryRun: true });
  t.match(shown, /new: \/etc\/hushbox-ap\/hostapd\.conf/);
  t.equal(report.done, false);
  t.same(machine.etc(), before);
  t.notMatch(machine.ran.join("\n"), /enable|restart|reload|nft/);
});

test("devices that join are taken, in time", async (t) => {
  const machine = new MachineTwin(t);
  machine.file("/var/lib/hushbox-ap/dnsmasq.leases", "0 aa:bb:cc:00:00:09 192.168.77.60 Google-Home *\n");
  let looks = 0;
  machine.answers.set("iw dev wlan0 station dump", () => (++looks < 3 ? "" : "Station aa:bb:cc:00:00:09 (on wlan0)\n"));
  const { report } = await setup(machine, { devices: [], wait: 1000 });
  t.same(report.devices, [{ name: "google-home", mac: "aa:bb:cc:00:00:09" }]);
  t.match(machine.read("/etc/hushbox/hushbox.yaml"), "name: google-home");
  await back(machine);

  const before = machine.etc();
  machine.answers.set("iw dev wlan0 station dump", "");
  await t.rejects(setup(machine, { devices: [], wait: 5 }), { message: /no device joined the network in time/ });
  t.same(machine.etc(), before);
  await t.rejects(setup(machine, { devices: [], wait: 5, start: false }), {
    message: /nobody joins a network that is not started/,
  });
});

test("a person is asked what no flag says", async (t) => {
  const machine = new MachineTwin(t);
  const asked: string[] = [];
  const asker: Asker = {
    choose: async (what, answers) => {
      asked.push(what);
      const [first] = answers;
      if (first === undefined) throw new Error("no answers");
      return first.value;
    },
    text: async (what, otherwise, check) => {
      asked.push(what);
      const given = what.startsWith("Name") ? "my speakers" : otherwise;
      check(given);
      return given;
    },
    secret: async (what, check) => {
      asked.push(what);
      t.throws(() => {
        check("short");
      });
      check(PASSWORD);
      return PASSWORD;
    },
    confirm: async (what) => {
      asked.push(what);
      return true;
    },
    tell: () => undefined,
  };
  const { report } = await setup(machine, { ssid: null, password: null, country: null }, asker);
  t.match(report, { done: true, ssid: "my speakers", mode: "bridged" });
  t.same(asked, [
    "Where shall the speakers be?",
    "Name of the new network",
    "How is the network protected?",
    "Its password, 8 to 63 characters",
    "Country, two letters",
    "Which band?",
    "Do this?",
  ]);
  await back(machine);
  const no = await setup(machine, {}, { ...asker, confirm: async () => false });
  t.equal(no.report.done, false);
  t.notOk(there(machine, "/etc/hushbox-ap"));
});

test("check names what is not right of the access point", async (t: Test) => {
  const machine = new MachineTwin(t);
  const cards = { inside: "wlan0", outside: "eth0" };
  const found = async (): Promise<string> =>
    (await checkAccessPoint(machine.host, cards))
      .map(({ status, what, message, advice }) => `${status} ${what} ${message} -> ${advice ?? ""}`)
      .join("\n");
  t.match(await found(), /warn access point wlan0 is a Wi-Fi card and no access point.*-> sudo hushbox setup/);
  t.same(await checkAccessPoint(machine.host, { inside: "eth0", outside: "x" }), [], "a cable needs no access point");
  await setup(machine);
  t.match(await found(), /^ok /);
  const table: readonly (readonly [() => void, RegExp])[] = [
    [
      () => {
        rmSync(join(machine.root, "/etc/systemd/system/multi-user.target.wants/hushbox-ap.service"));
      },
      /warn hushbox-ap\.service runs, and will not after the next boot/,
    ],
    [
      () => machine.active.delete("hushbox-ap.service"),
      /fail hushbox-ap\.service does not run: .*-> systemctl start hushbox-ap/,
    ],
    [() => machine.active.delete("systemd-networkd.service"), /fail systemd-networkd\.service does not run/],
    [
      () => {
        rmSync(join(machine.root, "/sys/class/net/wlan0/master"));
      },
      /fail bridge hushbr wlan0 is in no bridge.*systemctl restart hushbox-ap/,
    ],
    [
      () => {
        rmSync(join(machine.root, "/sys/class/net/eth0/master"));
      },
      /fail bridge hushbr eth0 is in no bridge.*networkctl reconfigure eth0/,
    ],
    [() => (machine.country = "00"), /warn radio rules are those for the whole world/],
    [() => (machine.country = "US"), /warn radio rules are those of US, and the access point is set up for DE/],
    [
      () => {
        machine.file("/proc/sys/net/bridge/bridge-nf-call-ip6tables", "1\n");
      },
      /warn net\.bridge\.bridge-nf-call-ip6tables is 1/,
    ],
    [() => machine.active.add("NetworkManager.service"), /fail NetworkManager has wlan0 in its hands/],
    [
      () => {
        machine.file("/sys/class/rfkill/rfkill0/soft", "1\n");
      },
      /fail radio is blocked by software/,
    ],
    [
      () => {
        machine.answers.set("iw dev", "phy#0\n\tInterface wlan0\n\t\ttype managed\n");
      },
      /fail access point wlan0 does not send/,
    ],
  ];
  for (const [spoil, message] of table) {
    spoil();
    t.match(await found(), message);
  }
});

test("closed: the guard is there before the first station, and gone after undo", async (t) => {
  const machine = new MachineTwin(t);
  machine.file("/usr/lib/systemd/system/hushbox-guard.service", "[Unit]\n");
  await setup(machine);
  t.notOk(machine.active.has("hushbox-guard.service"), "not where traffic passes anyhow");
  await back(machine);
  if (!hasKey("onFailure")) {
    await t.rejects(setup(machine, { onFailure: "closed" }), { code: "usage", message: /has no onFailure/ });
    return;
  }
  await setup(machine, { onFailure: "closed" });
  const at = (line: string): number => machine.ran.lastIndexOf(line);
  t.ok(at("systemctl restart hushbox-guard.service") < at("systemctl restart hushbox-ap.service"));
  t.match(machine.read("/etc/hushbox/hushbox.yaml"), "onFailure: closed");
  await back(machine);
  t.ok(machine.ran.includes("nft delete table bridge hushbox_guard"));
  t.notOk(machine.active.has("hushbox-guard.service"));
});

test("isolate: radio, bridge and hushbox agree, and a second setup keeps it", async (t) => {
  const machine = new MachineTwin(t);
  const found = async (isolate: boolean): Promise<string> =>
    (await checkAccessPoint(machine.host, { inside: "wlan0", outside: "eth0", isolate }))
      .map(({ status, what, message }) => `${status} ${what} ${message}`)
      .join("\n");
  const hostapd = (): string => machine.read("/etc/hushbox-ap/hostapd.conf");
  t.match(await found(true), /warn isolate is on, and only hostapd knows/, "somebody else's access point");
  await setup(machine);
  t.notMatch(hostapd(), "ap_isolate");
  t.match(await found(true), /fail isolate is on, and the radio relays/);
  for (const isolate of [true, false]) {
    await setup(machine, { isolate });
    t.match(hostapd(), /^ap_isolate=1$/m);
    t.match(machine.read("/etc/systemd/system/hushbox-ap.service"), "wlan0/brport/hairpin_mode");
    t.match(machine.read("/etc/hushbox/hushbox.yaml"), /^isolate: true$/m);
  }
  t.match(await found(true), /^ok /);
  t.match(await found(false), /warn isolate is off, and the radio leaves frames between stations to the bridge/);
  const yaml = machine.read("/etc/hushbox/hushbox.yaml");
  machine.file("/etc/hushbox/hushbox.yaml", yaml.replace("isolate: true", "isolate: false"));
  await setup(machine);
  t.notMatch(hostapd(), "ap_isolate", "as the configuration says");
  t.match(machine.read("/etc/hushbox/hushbox.yaml"), /^isolate: false$/m);
});
