import { Counters } from "../datapath/counters.js";
import type { Config } from "../config/schema.js";
import type { Door } from "./door.js";
import { statusOf, type Status } from "./status.js";

/** The configuration that the examples of the API's description show. */
export const CONFIG_EXAMPLE: Config = {
  inside: "wlan0",
  outside: "eth0",
  preset: "paper",
  devices: [{ name: "kitchen", mac: "aa:bb:cc:dd:ee:ff", defenses: { jitter: { variance: 4 } } }],
  budget: { perMonth: "1GB/month" },
};

const STARTED = Date.UTC(2026, 10, 22, 9, 30);

/** The status of a box that has carried a little, computed by the same code as the real one. */
export const STATUS_EXAMPLE: Status = example();

function example(): Status {
  const counters = new Counters();
  const set = (name: string, value: number): void => {
    counters.values[Counters.index(name)] = value;
  };
  const counted = {
    packets_in: 5210,
    packets_out: 5210,
    bytes_in: 812_004,
    bytes_out: 812_004,
    padding_bytes: 7_075_936,
    decoy_packets: 940,
    decoy_bytes: 107_160,
  };
  for (const [name, value] of Object.entries(counted)) set(`up.${name}`, value);
  set("up.delay.11", 5210);
  set("up.lateness.1", 5210);
  set("decoys_udp", 940);
  set("inside.up", 1);
  set("outside.up", 1);
  set("flows", 14);
  const door = {
    version: "0.1.0",
    file: "/etc/hushbox/hushbox.yaml",
    startedAt: STARTED,
    config: CONFIG_EXAMPLE,
    etag: '"9Vq0uUeYyN3rGZJ0mX1k2A"',
    saved: true,
    ready: true,
    turning: true,
    counters,
    bridge: null,
    guarded: false,
    tunnel: null,
  } satisfies Partial<Door>;
  return { ...statusOf(door as unknown as Door), uptimeSeconds: 3600 };
}
