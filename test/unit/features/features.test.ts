import { test } from "tap";
import { FeatureWindow } from "../../../src/features/feature-window.js";
import { FEATURES } from "../../../src/features/features.js";
import { AddressSet } from "../../../src/features/address-set.js";
import { PortSet } from "../../../src/features/port-set.js";
import { RunningMoments } from "../../../src/features/running-moments.js";
import { Windows, type WindowOptions } from "../../../src/features/windows.js";
import { DOWN, UP } from "../../../src/packet/packet.js";
import { micros, seconds } from "../../../src/time/micros.js";
import { DESTINATION, Observation } from "../../../src/trace/observation.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../../src/wire/protocol.js";

interface Seen {
  at?: number;
  length?: number;
  protocol?: number;
  version?: 0 | 4 | 6;
  from?: number;
  to?: number;
  ports?: [number, number];
  window?: number;
  scaled?: number;
  down?: boolean;
}

/** An observation with addresses of one significant byte each; `at` in seconds. */
function seen(given: Seen): Observation {
  const {
    at = 0,
    length = 100,
    protocol = UDP,
    version = 4,
    from = 1,
    to = 2,
    ports,
    window = -1,
    down = false,
  } = given;
  const o = new Observation();
  o.at = seconds(at);
  o.length = length;
  o.version = version;
  o.protocol = protocol;
  o.direction = down ? DOWN : UP;
  if (version !== 0) {
    o.addresses.setUint8(15, from);
    o.addresses.setUint8(DESTINATION + 15, to);
  }
  if (ports !== undefined) {
    o.hasPorts = true;
    [o.sourcePort, o.destinationPort] = ports;
  }
  o.rawWindow = window;
  o.scaledWindow = given.scaled ?? window;
  return o;
}

const CLOSE = 1e-12;

void test("the twelve features of a window worked out by hand", (t) => {
  const window = new FeatureWindow();
  window.add(seen({ at: 10, length: 60, protocol: TCP, ports: [40000, 443], window: 100, scaled: 6400 }));
  window.add(seen({ at: 11, length: 100, protocol: UDP, ports: [53, 40001], from: 3, to: 1 }));
  window.add(seen({ at: 13, length: 200, protocol: ICMP, from: 1, to: 4 }));
  window.add(seen({ at: 13, length: 60, version: 0, protocol: -1 }));
  window.add(
    seen({ at: 17, length: 80, protocol: TCP, ports: [443, 40000], from: 2, to: 1, window: 300, scaled: 300 }),
  );
  const features = window.features();
  t.same(Object.keys(features), [...FEATURES], "in the order of the letter");
  t.equal(features.n_ip_unique, 4, "addresses 1 to 4, source or destination");
  t.equal(features.n_port_unique, 4, "40000, 443, 53, 40001");
  t.equal(features.n_pack_tcp, 2);
  t.equal(features.n_pack_udp, 1);
  t.equal(features.n_pack_icmp, 1);
  t.equal(features.max_diff_time, 4);
  t.equal(features.mean_window, 200);
  t.equal(features.std_window, 100);
  // Gaps 1, 2, 0, 4: mean 1.75, squares 0.5625 + 0.0625 + 3.0625 + 5.0625 = 8.75 over 4.
  t.equal(features.mean_ipt, 1.75);
  t.ok(Math.abs(features.std_ipt - Math.sqrt(8.75 / 4)) < CLOSE);
  // Lengths 60, 100, 200, 60, 80: mean 100, squares 1600 + 0 + 10000 + 1600 + 400 over 5.
  t.equal(features.mean_len_pack, 100);
  t.ok(Math.abs(features.std_len_pack - Math.sqrt(13600 / 5)) < CLOSE);
  t.end();
});

void test("scaled windows on request", (t) => {
  const window = new FeatureWindow("scaled");
  window.add(seen({ protocol: TCP, window: 100, scaled: 6400 }));
  window.add(seen({ protocol: TCP, window: 200, scaled: 12800 }));
  t.match(window.features(), { mean_window: 9600, std_window: 3200 });
  t.end();
});

void test("a window of nothing, of one packet, and one used again", (t) => {
  const window = new FeatureWindow();
  for (const name of FEATURES) t.equal(window.features()[name], 0, `${name} of nothing`);
  window.add(seen({ at: 5, length: 70, protocol: ICMPV6, version: 6 }));
  t.match(window.features(), { n_ip_unique: 2, n_pack_icmp: 1, max_diff_time: 0, mean_ipt: 0, std_ipt: 0 });
  t.match(window.features(), { mean_len_pack: 70, std_len_pack: 0, mean_window: 0, std_window: 0, n_port_unique: 0 });
  window.clear();
  for (const name of FEATURES) t.equal(window.features()[name], 0, `${name} after clearing`);
  window.add(seen({ at: 50, from: 9, to: 1, ports: [1, 1] }));
  t.match(window.features(), { n_ip_unique: 2, n_port_unique: 1, n_pack_udp: 1, n_pack_tcp: 0, max_diff_time: 0 });
  t.match(window, { packets: 1, bytes: 100, from: seconds(50), to: seconds(50) });
  for (let i = 0; i < 1000; i++) window.add(seen({ at: 51 + i, length: 1514 - (i % 7) }));
  const bytes = 100 + 1000 * 1514 - (142 * 21 + 0 + 1 + 2 + 3 + 4 + 5);
  t.match(window, { packets: 1001, bytes, from: seconds(50), to: seconds(1050) });
  t.end();
});

void test("moments stay exact where the mean is large against the deviation", (t) => {
  const moments = new RunningMoments();
  for (const value of [1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16]) moments.add(value);
  t.equal(moments.mean, 1e9 + 10);
  t.ok(Math.abs(moments.deviation - Math.sqrt(22.5)) < 1e-6);
  t.end();
});

void test("sets equal the language's own over many rounds", (t) => {
  const addresses = new AddressSet(4);
  const ports = new PortSet();
  const view = new DataView(new ArrayBuffer(16));
  let state = 1;
  const next = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 8;
  for (const many of [1000, 3, 0, 20000]) {
    const plain = new Set<string>();
    const plainPorts = new Set<number>();
    addresses.clear();
    ports.clear();
    for (let i = 0; i < many; i++) {
      const words = [next() % 3, next() % 5, next() % 7, next() % 50];
      words.forEach((word, k) => {
        view.setUint32(k * 4, word);
      });
      addresses.add(view, 0);
      plain.add(words.join());
      const port = next() % 65536;
      ports.add(port);
      plainPorts.add(port);
    }
    t.equal(addresses.size, plain.size);
    t.equal(ports.size, plainPorts.size);
  }
  t.end();
});

/** Cuts packets given as "time" or "time-" (down) into windows and writes each as index:first-last:packets, "…" where cut short. */
function cut(options: Partial<WindowOptions>, trace: string): string {
  const found: string[] = [];
  const all: WindowOptions = { cut: "trace", size: 0, direction: "both", field: "raw", ...options };
  const windows = new Windows(all, {
    window(w, index, whole) {
      const { from, to, packets } = w;
      found.push(`${index}:${from / 1e6}-${to / 1e6}:${packets}${whole ? "" : "…"}`);
    },
  });
  for (const word of trace.split(" ")) {
    windows.add(seen({ at: Number.parseFloat(word), down: word.endsWith("-") }));
  }
  windows.end();
  return found.join(" ");
}

void test("a trace is cut every N packets, every Δt, or not at all", (t) => {
  const trace = "0 1- 2 3- 4 5 6-";
  t.equal(cut({ cut: "packets", size: 3 }, trace), "0:0-2:3 1:3-5:3 2:6-6:1…");
  t.equal(cut({ cut: "packets", size: 2, direction: "up" }, trace), "0:0-2:2 1:4-5:2");
  t.equal(cut({ cut: "packets", size: 2, direction: "down" }, trace), "0:1-3:2 1:6-6:1…");
  t.equal(cut({ cut: "trace" }, trace), "0:0-6:7");
  t.equal(cut({ cut: "trace", direction: "down" }, trace), "0:1-6:3");
  t.equal(cut({ cut: "time", size: micros(2e6) }, trace), "0:0-1:2 1:2-3:2 2:4-5:2 3:6-6:1…");
  t.equal(
    cut({ cut: "time", size: micros(2e6) }, "7 8.5 9 20 20.5"),
    "0:7-8.5:2 1:9-9:1 6:20-20.5:2…",
    "quiet windows",
  );
  t.equal(
    cut({ cut: "time", size: micros(2e6), direction: "down" }, "0 3- 4 9-"),
    "1:3-3:1 4:9-9:1…",
    "one grid for both",
  );
  t.end();
});
