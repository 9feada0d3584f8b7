import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  lstatSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Test } from "tap";
import type { CommandResult } from "../../src/emulator/command.js";
import { PowerCut } from "./failing-disk.js";
import { Host, type Runner } from "../../src/setup/host.js";

/** In iw's form, as for a radio whose frames Linux makes (mac80211): both bands, 802.11n and 802.11ac, WPA3. */
export const SOFT_PHY = `Wiphy phy0
	wiphy index: 0
	Supported Ciphers:
		* WEP40 (00-0f-ac:1)
		* CCMP-128 (00-0f-ac:4)
		* CMAC (00-0f-ac:6)
	Supported interface modes:
		 * IBSS
		 * managed
		 * AP
		 * monitor
	Band 1:
		Capabilities: 0x107e
			HT20/HT40
			RX HT20 SGI
		HT TX/RX MCS rate indexes supported: 0-15
		Bitrates (non-HT):
			* 1.0 Mbps
		Frequencies:
			* 2412 MHz [1] (20.0 dBm)
			* 2437 MHz [6] (20.0 dBm)
			* 2462 MHz [11] (20.0 dBm)
			* 2484 MHz [14] (disabled)
	Band 2:
		Capabilities: 0x107e
			HT20/HT40
		VHT Capabilities (0x339071b2):
			Max MPDU length: 11454
			short GI (80 MHz)
		Frequencies:
			* 5180 MHz [36] (20.0 dBm)
			* 5200 MHz [40] (20.0 dBm)
			* 5220 MHz [44] (20.0 dBm)
			* 5240 MHz [48] (20.0 dBm)
			* 5260 MHz [52] (20.0 dBm) (no IR, radar detection)
			* 5825 MHz [165] (20.0 dBm) (no IR)
	Supported commands:
		 * new_interface
		 * authenticate
		 * start_ap
	software interface modes (can always be added):
		 * AP/VLAN
		 * monitor
	valid interface combinations:
		 * #{ IBSS } <= 1, #{ managed, AP } <= 2048,
`;

/** As for a card whose firmware does all that (brcmfmac, the one on a Raspberry Pi), in the form of iw 6. */
export const FULL_PHY = `Wiphy phy0
	wiphy index: 0
	Supported Ciphers:
		* CCMP-128 (00-0f-ac:4)
	Supported interface modes:
		 * managed
		 * AP
		 * P2P-client
	Band 1:
		Capabilities: 0x1022
			HT20/HT40
		Frequencies:
			* 2412.0 MHz [1] (20.0 dBm)
			* 2437.0 MHz [6] (20.0 dBm)
	Supported commands:
		 * connect
		 * start_ap
`;

/** One that is a station only. */
export const STATION_PHY = SOFT_PHY.replace("		 * AP\n", "");

type Answer = string | Partial<CommandResult> | (() => string | Partial<CommandResult>);

/**
 * A machine of files, and programs that do to those files what the real ones do to a machine, as far as setup looks. It has a cable (eth0,
 * an address by DHCP) and a radio (wlan0).
 */
export class MachineTwin implements Runner {
  readonly root: string;
  readonly host: Host;
  /** Every program that was run, as one line. */
  readonly ran: string[] = [];
  readonly missing = new Set<string>();
  /** Units that run. */
  readonly active = new Set<string>();
  /** Answers of a test's own, by the beginning of the line; they come before all others. */
  readonly answers = new Map<string, Answer>();
  phy = SOFT_PHY;
  country = "DE";
  ssid: string | null = null;
  #sending = false;

  constructor(t: Test) {
    this.root = mkdtempSync(join(tmpdir(), "hushbox-machine-"));
    t.teardown(() => {
      rmSync(this.root, { recursive: true, force: true });
    });
    this.host = new Host(this.root, true, this);
    this.file("/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    this.file("/etc/resolv.conf", "nameserver 192.0.2.1\n");
    this.file("/usr/lib/systemd/system/hushbox.service", "[Unit]\n");
    this.file("/lib/firmware/regulatory.db", regulatory(["00", "DE", "GB", "US"]));
    for (const [name, type] of [
      ["lo", "772"],
      ["eth0", "1"],
      ["wlan0", "1"],
    ] as const)
      this.file(`/sys/class/net/${name}/type`, `${type}\n`);
    this.file("/sys/class/net/eth0/address", "dc:a6:32:00:00:01\n");
    this.file("/sys/class/net/wlan0/phy80211/index", "0\n");
    this.file("/sys/class/rfkill/rfkill0/type", "wlan\n");
    this.file("/sys/class/rfkill/rfkill0/soft", "0\n");
    this.file("/proc/sys/net/ipv4/ip_forward", "0\n");
    mkdirSync(join(this.root, "/etc/systemd/system"), { recursive: true });
    mkdirSync(join(this.root, "/var/lib"), { recursive: true });
  }

  file(path: string, text: string | Buffer): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  has(program: string): boolean {
    return !this.missing.has(program);
  }

  async run(program: string, args: readonly string[]): Promise<CommandResult> {
    const line = [program, ...args].join(" ");
    this.ran.push(line);
    const own = [...this.answers].find(([start]) => line.startsWith(start))?.[1];
    const answer = own === undefined ? this.#answer(program, args) : typeof own === "function" ? own() : own;
    return { code: 0, stdout: "", stderr: "", ...(typeof answer === "string" ? { stdout: answer } : answer) };
  }

  /** Everything below /etc, as a tree that can be compared: modes and times too, but not of folders. */
  etc(): Record<string, string> {
    const found: Record<string, string> = {};
    const visit = (path: string): void => {
      for (const name of readdirSync(join(this.root, path)).sort()) {
        const at = `${path}/${name}`;
        const facts = lstatSync(join(this.root, at));
        if (facts.isSymbolicLink()) found[at] = `-> ${readlinkSync(join(this.root, at))}`;
        else if (facts.isDirectory()) {
          found[at] = "folder";
          visit(at);
        } else
          found[at] =
            `${facts.mode.toString(8)} ${facts.uid}:${facts.gid} ${Math.round(facts.mtimeMs)} ${this.read(at)}`;
      }
    };
    visit("/etc");
    return found;
  }

  #answer(program: string, args: readonly string[]): string | Partial<CommandResult> {
    const line = args.join(" ");
    if (program === "systemctl") {
      try {
        return this.#systemctl(args);
      } catch (error) {
        if (error instanceof PowerCut) throw error;
        return { code: 1, stderr: String(error) };
      }
    }
    if (program === "nmcli")
      return this.active.has("NetworkManager.service") ? "wlan0:disconnected:\neth0:connected:Wired\n" : { code: 8 };
    if (program === "iw") {
      if (line === "phy") return this.phy;
      if (line === "reg get") return `global\ncountry ${this.country}: DFS-ETSI\n`;
      const ssid = this.ssid === null ? "" : `\t\tssid ${this.ssid}\n`;
      return `phy#0\n\tInterface wlan0\n\t\taddr dc:a6:32:00:00:02\n${ssid}\t\ttype ${this.#sending ? "AP" : "managed"}\n`;
    }
    if (program === "ip") {
      if (line.includes("route show default"))
        return '[{"dst":"default","gateway":"192.0.2.1","dev":"eth0","metric":100}]';
      if (line.includes("route show")) return '[{"dst":"default","dev":"eth0"},{"dst":"192.0.2.0/24","dev":"eth0"}]';
      if (line.includes("-o address show dev hush")) return "7: x    inet 192.0.2.9/24 scope global\n";
      if (line.includes("address show"))
        return '[{"ifname":"eth0","addr_info":[{"family":"inet","local":"192.0.2.9","prefixlen":24,"dynamic":true}]}]';
      if (line.includes("link show")) return '[{"ifname":"eth0","address":"dc:a6:32:00:00:01"}]';
    }
    return "";
  }

  #systemctl(args: readonly string[]): Partial<CommandResult> {
    const [verb = "", ...rest] = args;
    const units = rest.filter((word) => !word.startsWith("-"));
    switch (verb) {
      case "is-active":
        return { code: units.every((unit) => this.active.has(unit)) ? 0 : 3 };
      case "is-enabled":
        return {
          code: units.every((unit) => lstatSync(join(this.root, wants(unit)), { throwIfNoEntry: false }) !== undefined)
            ? 0
            : 1,
        };
      case "enable":
        for (const unit of units) this.#link(wants(unit), `/usr/lib/systemd/system/${unit}`);
        return {};
      case "disable":
        for (const unit of units) rmSync(join(this.root, wants(unit)), { force: true });
        return {};
      case "start":
      case "restart":
        for (const unit of units) this.#start(unit);
        return {};
      case "stop":
        for (const unit of units) this.#stop(unit);
        return {};
      default:
        return {};
    }
  }

  #start(unit: string): void {
    this.active.add(unit);
    if (unit === "systemd-networkd.service")
      for (const card of ["eth0", "hushout"])
        if (this.#says("/etc/systemd/network", `Name=${card}\n`))
          this.#link(`/sys/class/net/${card}/master`, "../hushbr");
    if (unit === "hushbox-ap.service") {
      this.#sending = true;
      this.#link("/sys/class/net/wlan0/master", "../hushbr");
    }
  }

  #stop(unit: string): void {
    this.active.delete(unit);
    const cards = { "systemd-networkd.service": ["eth0", "hushout"], "hushbox-ap.service": ["wlan0"] }[unit] ?? [];
    for (const card of cards) rmSync(join(this.root, `/sys/class/net/${card}/master`), { force: true });
    if (unit === "hushbox-ap.service") this.#sending = false;
  }

  #says(folder: string, text: string): boolean {
    if (!existsSync(join(this.root, folder))) return false;
    return readdirSync(join(this.root, folder)).some((name) => this.read(`${folder}/${name}`).includes(text));
  }

  #link(path: string, target: string): void {
    const place = join(this.root, path);
    mkdirSync(dirname(place), { recursive: true });
    rmSync(place, { force: true });
    symlinkSync(target, place);
  }
}

function wants(unit: string): string {
  return `/etc/systemd/system/multi-user.target.wants/${unit}`;
}

/** A database of radio rules with nothing but countries. */
export function regulatory(countries: readonly string[]): Buffer {
  const entries = countries.map((code) => Buffer.concat([Buffer.from(code), Buffer.of(0, 1)]));
  return Buffer.concat([Buffer.from("RGDB"), Buffer.of(0, 0, 0, 20), ...entries, Buffer.alloc(4)]);
}
