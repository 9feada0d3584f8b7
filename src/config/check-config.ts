import { isIPv4, isIPv6 } from "node:net";
import type { ValidateFunction } from "ajv";
import { resolve } from "./resolve.js";
import { ConfigSchema, type Config, type DeviceFile } from "./schema.js";
import { pointer, type Problem } from "./problem.js";
import { newAjv, problemsOf } from "./validator.js";

let validate: ValidateFunction | undefined;

/** Everything wrong with a configuration, whether it came from a file or over HTTP; none: it is a Config. */
export function checkConfig(value: unknown): Problem[] {
  validate ??= newAjv().compile(ConfigSchema);
  const problems = problemsOf(validate, value);
  return problems.length > 0 ? [...problems, ...nobody(value)] : [...nobody(value), ...rules(value as Config)];
}

/** Only a gateway does without devices. */
function nobody(value: unknown): Problem[] {
  const { devices, role } = (typeof value === "object" && value !== null ? value : {}) as Partial<Config>;
  const none = Array.isArray(devices) && devices.length === 0 && role !== "gateway";
  return none ? [{ path: "/devices", message: "expected at least 1, got none" }] : [];
}

/** What a schema cannot say. */
function rules(config: Config): Problem[] {
  return [
    ...interfaces(config),
    ...devices(config),
    ...networks(config),
    ...listen(config),
    ...tunnel(config),
    ...isolation(config),
  ];
}

function interfaces(config: Config): Problem[] {
  if (config.inside !== config.outside || config.role === "gateway") return [];
  return [
    { path: "/outside", message: `is the same interface as inside (${config.inside}): the box stands between two` },
  ];
}

function devices(config: Config): Problem[] {
  const problems: Problem[] = [];
  const names = new Map<string, number>();
  const macs = new Map<string, number>();
  config.devices.forEach((device, i) => {
    const at = pointer("/devices", i);
    const mac = device.mac.toLowerCase();
    const named = names.get(device.name);
    const owned = macs.get(mac);
    if (named !== undefined)
      problems.push({ path: `${at}/name`, message: `${device.name} is the name of device ${named + 1} already` });
    if (owned !== undefined)
      problems.push({ path: `${at}/mac`, message: `${mac} is the address of device ${owned + 1} already` });
    if (mac === "00:00:00:00:00:00")
      problems.push({ path: `${at}/mac`, message: "no device has the address of zeros" });
    else if (Number.parseInt(mac.slice(0, 2), 16) & 1) {
      problems.push({
        path: `${at}/mac`,
        message: `${mac} is a group address (its first byte is odd); a device has one of its own`,
      });
    }
    names.set(device.name, i);
    macs.set(mac, i);
  });
  return problems;
}

/** Where slots are wanted and no tunnel is there to have them, packets would pass undefended. */
function undug(config: Config): Problem[] {
  const wants = (device?: DeviceFile): boolean => resolve(config, device).defenses.episode.enabled;
  const message = "needs a tunnel: name a wg-quick file as tunnel.file";
  if (wants()) return [{ path: config.defenses?.episode?.enabled === true ? "/defenses/episode" : "/preset", message }];
  return config.devices.flatMap((device, i) => (wants(device) ? [{ path: pointer("/devices", i), message }] : []));
}

function tunnel(config: Config): Problem[] {
  const gateway = config.role === "gateway";
  const { file = "", dns = [], decoySource = "", decoyDestination = "" } = config.tunnel ?? {};
  const problems: Problem[] = [];
  if (file === "") {
    if (gateway) problems.push({ path: "/tunnel/file", message: "is missing: a gateway is the far end of tunnels" });
    else problems.push(...undug(config));
    return problems;
  }
  const { peer, enabled } = resolve(config).defenses.episode;
  if (gateway && enabled && peer === "stock")
    problems.push({
      path: "/preset",
      message: "leaves the way down to a stock peer: a hushbox at the far end has paired",
    });
  if (gateway && config.devices.length > 0)
    problems.push({
      path: "/devices",
      message: "are the boxes' affair: a gateway knows boxes by the [Peer]s of its WireGuard file",
    });
  if (config.nic?.card === "libpcap")
    problems.push({ path: "/nic/card", message: "libpcap carries no tunnel: set ring" });
  for (const [i, device] of config.devices.entries()) {
    for (const key of ["preset", "defenses", "budget"] as const) {
      if (device[key] === undefined) continue;
      const path = pointer(pointer("/devices", i), key);
      problems.push({
        path,
        message: "cannot be a device's own in a tunnel, which is one flow outside: set it at the top",
      });
    }
  }
  dns.forEach((address, i) => {
    if (!isIPv4(address) && !isIPv6(address))
      problems.push({ path: pointer("/tunnel/dns", i), message: `${address} is not an IP address` });
  });
  for (const [key, address] of Object.entries({ decoySource, decoyDestination })) {
    if (address !== "" && !isIPv4(address) && !isIPv6(address))
      problems.push({ path: `/tunnel/${key}`, message: `${address} is not an IP address` });
  }
  return problems;
}

/** A preset that lacks its tunnel yet counts as one: whoever names the file next shall not be told only then. */
function isolation(config: Config): Problem[] {
  const { isolate, nic, tunnel } = config;
  if (isolate !== true) return [];
  const path = "/isolate";
  if ((tunnel?.file ?? "") !== "" || undug(config).length > 0)
    return [{ path, message: "is not for a tunnel: what stays at home is the bridge's there" }];
  if (nic?.card !== "libpcap") return [];
  return [{ path, message: "is not for nic.card libpcap, which takes only what devices send: set ring" }];
}

function networks(config: Config): Problem[] {
  return (config.local?.networks ?? []).flatMap((network, i) => {
    const [address = "", bits = ""] = network.split("/");
    const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
    const path = pointer("/local/networks", i);
    if (most < 0) return [{ path, message: `${address} is not an IP address` }];
    if (Number(bits) > most)
      return [{ path, message: `a prefix of this address has at most ${most} bits, got ${bits}` }];
    return [];
  });
}

function listen(config: Config): Problem[] {
  const text = config.api?.listen;
  if (text === undefined) return [];
  const { host, port } = parseListen(text);
  const path = "/api/listen";
  if (host !== "localhost" && !isIPv4(host) && !isIPv6(host))
    return [{ path, message: `${host} is not an IP address` }];
  if (port > 65535) return [{ path, message: `a port is at most 65535, got ${port}` }];
  return [];
}

/** The two parts of `127.0.0.1:8377` or `[::1]:8377`. */
export function parseListen(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(":");
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(text.slice(colon + 1)) };
}
