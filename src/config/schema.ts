import { Type, type Static } from "typebox";
import { duration } from "../defense/quantity.js";
import { PRESET_NAMES } from "../defense/presets.js";
import { BudgetSchema, DefensesSchema } from "../defense/schema.js";
import { LOG_LEVELS } from "../log/log.js";

const STRICT = { additionalProperties: false } as const;

/** Linux: at most 15 bytes, no slash, no white space. */
const INTERFACE = { title: "the name of a network interface", examples: ["eth0"], pattern: "^[^\\s/:]{1,15}$" };
const PATH = { title: "an absolute path", examples: ["/var/lib/hushbox"], pattern: "^/[^\\0]*$" };
const PATH_OR_NONE = { ...PATH, title: "an absolute path, or an empty text", pattern: "^(/[^\\0]*)?$", default: "" };

/** The name of a preset. */
export const PresetSchema = Type.Enum([...PRESET_NAMES], {
  default: "paper",
  description:
    "One dial: a set of values for all defenses. off passes and measures; paper is the realistic adversary of the paper.",
});

/** One speaker. */
export const DeviceSchema = Type.Object(
  {
    name: Type.String({
      title: "lower-case letters, digits and single hyphens, at most 32",
      examples: ["kitchen"],
      pattern: "^(?=.{1,32}$)[a-z0-9]+(-[a-z0-9]+)*$",
      description: "What it is called in answers and metrics; unique.",
    }),
    mac: Type.String({
      title: "a MAC address",
      examples: ["aa:bb:cc:dd:ee:ff"],
      pattern: "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$",
      description: "Frames are recognised by it; unique. It stands on the device's label or in its app.",
    }),
    preset: Type.Optional(
      Type.Enum([...PRESET_NAMES], {
        description:
          "Instead of the top-level preset; the top-level overrides of defenses do not apply to this device then.",
      }),
    ),
    defenses: Type.Optional(DefensesSchema),
    budget: Type.Optional(BudgetSchema),
  },
  { ...STRICT, description: "A device whose traffic is defended." },
);
export type DeviceFile = Static<typeof DeviceSchema>;

const LocalSchema = Type.Object(
  {
    networks: Type.Optional(
      Type.Array(
        Type.String({
          title: "a network with its prefix length",
          examples: ["192.168.0.0/16", "fc00::/7"],
          pattern: "^[0-9A-Fa-f.:]+/[0-9]{1,3}$",
        }),
        {
          maxItems: 256,
          uniqueItems: true,
          default: [
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",
            "224.0.0.0/4",
            "255.255.255.255/32",
            "fe80::/10",
            "fc00::/7",
            "ff00::/8",
          ],
          description:
            "Destinations that count as the local network: casting, mDNS and the like go there. Frames that are not IP are always local.",
        },
      ),
    ),
    delay: Type.Optional(
      Type.Boolean({
        default: false,
        description: "Whether local traffic is delayed like any other; it does not pass the observer.",
      }),
    ),
  },
  { ...STRICT, description: "What stays at home." },
);

const NicSchema = Type.Object(
  {
    card: Type.Optional(
      Type.Enum(["ring", "libpcap"], {
        default: "ring",
        description:
          "ring: hushbox's own packet ring, the fast one. libpcap: portable, needs the packages cap and raw-socket. Needs a restart.",
      }),
    ),
    slots: Type.Optional(
      Type.Integer({
        default: 1024,
        minimum: 64,
        maximum: 32768,
        multipleOf: 32,
        description:
          "Receive slots of each ring: how many packets a pause of this machine may last. 64 to 32768, a multiple of 32. Needs a restart.",
      }),
    ),
    spin: Type.Optional(
      duration({
        default: "60us",
        between: ["0", "1ms"],
        description:
          "How long before a departure the loop stops sleeping and watches the clock: less lateness for more processor time. 0 never. Needs a restart.",
      }),
    ),
    queue: Type.Optional(
      Type.Integer({
        default: 4096,
        minimum: 64,
        maximum: 65536,
        description:
          "Packets that may be held at once, both directions together; each takes 2 kB. 64 to 65536. Needs a restart.",
      }),
    ),
    priority: Type.Optional(
      Type.Unsafe<number | "auto">({
        type: ["integer", "string"],
        title: "auto, or a whole number from 0 to 99",
        default: "auto",
        pattern: "^auto$",
        minimum: 0,
        maximum: 99,
        description:
          "SCHED_FIFO priority of the packet thread; 0 leaves the ordinary scheduler; auto: 1 with a tunnel, whose slots must not wait for other programs, where this machine allows it, else 0. 0 to 99. Needs a restart.",
      }),
    ),
    decoys: Type.Optional(
      Type.Enum(["frame", "ip"], {
        default: "frame",
        description:
          "For card libpcap. frame: decoys are sent as whole frames in the device's name, like the ring does. ip: by raw-socket through this machine's routing, for networks that refuse such frames; without trailer, and with this machine's MAC address. Needs a restart.",
      }),
    ),
    offloads: Type.Optional(
      Type.Enum(["off", "keep"], {
        default: "off",
        description:
          "off: turn GRO, GSO, TSO and checksum offload off on both cards, and put them back on exit; merged frames cannot be sent again. keep: leave them. Needs a restart.",
      }),
    ),
    capture: Type.Optional(
      Type.String({
        ...PATH_OR_NONE,
        description:
          "A directory: every frame is written there to inside.pcap and outside.pcap, payloads too; empty: none. For finding faults. Needs a restart.",
      }),
    ),
  },
  { ...STRICT, description: "The two cards." },
);

const ApiSchema = Type.Object(
  {
    listen: Type.Optional(
      Type.String({
        title: "an IP address or localhost with a port",
        examples: ["127.0.0.1:8377", "[::1]:8377"],
        pattern: "^(localhost|[0-9.]+|\\[[0-9A-Fa-f:.]+(%[^\\]\\s]+)?\\]):[0-9]{1,5}$",
        default: "127.0.0.1:8377",
        description:
          "Where the control API is. Off loopback, reading needs the token too. Port 0 takes a free one. Needs a restart.",
      }),
    ),
    hosts: Type.Optional(
      Type.Array(
        Type.String({
          title: "a host name",
          examples: ["hushbox.lan"],
          pattern: "^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$",
        }),
        {
          default: [],
          maxItems: 32,
          uniqueItems: true,
          description:
            "Names under which the API may be asked besides loopback names and its address: others are refused, against DNS rebinding.",
        },
      ),
    ),
    rateLimit: Type.Optional(
      Type.String({
        title: "requests a second, minute or hour",
        examples: ["600/min"],
        pattern: "^[1-9][0-9]{0,6}/(s|min|h)$",
        default: "600/min",
        description:
          "Requests that one client address may make: a runaway script must not take the processor from the packets.",
      }),
    ),
    tokenFile: Type.Optional(
      Type.String({
        ...PATH_OR_NONE,
        description:
          "Where the token for changes lies; made on first start, readable by the owner alone. Empty: the file token in the state directory. Needs a restart.",
      }),
    ),
  },
  { ...STRICT, description: "The control API." },
);

const ADDRESS = {
  title: "an IP address",
  examples: ["192.0.2.1"],
  pattern: "^[0-9A-Fa-f.:]+$",
};

const TunnelSchema = Type.Object(
  {
    file: Type.Optional(
      Type.String({
        ...PATH_OR_NONE,
        examples: ["/etc/wireguard/box.conf"],
        description:
          "A wg-quick file: what the devices send beyond the local network goes through that WireGuard tunnel, and nothing of it any other way. Keys stay there. Its commands (PostUp) are not run. Empty: no tunnel. Needs a restart.",
      }),
    ),
    interface: Type.Optional(
      Type.String({
        ...INTERFACE,
        default: "hushwg",
        description: "What WireGuard's interface is called; hushbox makes it and takes it away. Needs a restart.",
      }),
    ),
    dns: Type.Optional(
      Type.Array(Type.String(ADDRESS), {
        maxItems: 4,
        uniqueItems: true,
        default: [],
        description:
          "Every DNS query of a device goes to the first of its IP version, through the tunnel, whatever server it asks; a local one would ask on in the open. Empty: DNS of the WireGuard file; without either, queries to local servers are refused. Needs a restart.",
      }),
    ),
    decoySource: Type.Optional(
      Type.String({
        title: "an IP address, or an empty text",
        examples: ["192.0.2.1"],
        pattern: "^[0-9A-Fa-f.:]*$",
        default: "",
        description:
          "Where decoys inside the tunnel seem to come from: an address that the peer does not allow us, so that it drops them in silence. Empty: one kept for documentation. Needs a restart.",
      }),
    ),
    decoyDestination: Type.Optional(
      Type.String({
        title: "an IP address, or an empty text",
        examples: ["192.0.2.2"],
        pattern: "^[0-9A-Fa-f.:]*$",
        default: "",
        description: "Where they seem to go: within the peer's AllowedIPs. Empty: by these. Needs a restart.",
      }),
    ),
  },
  { ...STRICT, description: "The way through WireGuard." },
);

/** The whole configuration as it stands in the file and in the API. */
export const ConfigSchema = Type.Object(
  {
    inside: Type.String({ ...INTERFACE, description: "The interface toward the devices. Needs a restart." }),
    outside: Type.String({ ...INTERFACE, description: "The interface toward the router. Needs a restart." }),
    preset: Type.Optional(PresetSchema),
    role: Type.Optional(
      Type.Enum(["box", "gateway"], {
        default: "box",
        description:
          "box: beside the devices. gateway: at the far end of the tunnels of boxes; the world is inside, the boxes are outside, both often on one interface. Needs a restart.",
      }),
    ),
    devices: Type.Array(DeviceSchema, {
      maxItems: 24,
      description: "The devices to defend. Only their frames pass the box, and group-addressed ones towards them.",
    }),
    defenses: Type.Optional(DefensesSchema),
    budget: Type.Optional(BudgetSchema),
    onFailure: Type.Optional(
      Type.Enum(["open", "closed"], {
        default: "open",
        description:
          "What becomes of the devices' traffic while hushbox does not run, where a bridge of the kernel joins inside and outside. open: the kernel forwards it, undefended. closed: nothing of it passes, not even while the machine starts (hushbox-guard.service). Without a bridge nothing passes anyway.",
      }),
    ),
    isolate: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          "Whether frames between two stations of the access point pass the box too, groups included; else its radio relays them. Needs ap_isolate=1 in hostapd and hairpin on at inside's port of the bridge, as hushbox setup --isolate writes them.",
      }),
    ),
    local: Type.Optional(LocalSchema),
    tunnel: Type.Optional(TunnelSchema),
    nic: Type.Optional(NicSchema),
    api: Type.Optional(ApiSchema),
    state: Type.Optional(
      Type.String({
        ...PATH,
        default: "/var/lib/hushbox",
        description:
          "The directory for what outlives the process: token, budget used, offloads to put back. Needs a restart.",
      }),
    ),
    log: Type.Optional(
      Type.Object(
        { level: Type.Optional(Type.Enum([...LOG_LEVELS], { default: "info", description: "How much is written." })) },
        { ...STRICT, description: "The log, on standard output." },
      ),
    ),
  },
  {
    ...STRICT,
    title: "hushbox configuration",
    description: "One file says everything; each key that is absent has its default.",
  },
);
export type Config = Static<typeof ConfigSchema>;
