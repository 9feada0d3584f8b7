import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import { activate, startBox, startGuard, type Progress } from "./activate.js";
import { failsClosed, hasKey, isolates } from "./box-config.js";
import { checkUplink, chooseCard, chooseUplink, type CardFlags } from "./cards.js";
import { chooseDevices, waitForDevices, type DeviceFlags } from "./choose-devices.js";
import { settle, stopUnits } from "./deactivate.js";
import { readFacts, type Facts } from "./facts.js";
import type { Host } from "./host.js";
import { blockedRadios, readKnob } from "./kernel-knobs.js";
import type { About, Ledger } from "./ledger.js";
import { inIfupdown } from "./ifupdown.js";
import { sysctls } from "./managers.js";
import { AP_UNIT, BOX_CONFIG, BOX_UNIT, BRIDGE, DHCP_UNIT, GATEWAY, GUARD_UNIT, NAT_UNIT, NETWORKD } from "./names.js";
import { planAccessPoint, planBox, type Plan } from "./plan.js";
import { checkBefore, checkBridgeFamily, checkPorts, checkPrograms } from "./preflight.js";
import { askMode, askRadio, chooseSubnet, type RadioFlags } from "./questions.js";
import { knownCountries } from "./regulatory.js";
import { changedByHand } from "./restore.js";
import { changeOf, showPlan, type Change } from "./show-plan.js";
import { Store } from "./store.js";
import type { Asker } from "./terminal.js";
import { Transaction } from "./transaction.js";
import { readUplink, type Uplink } from "./uplink.js";
import type { Mode, Wish, WishedDevice } from "./wish.js";

export interface SetupFlags extends CardFlags, RadioFlags, DeviceFlags {
  readonly mode: Mode | null;
  readonly subnet: string | null;
  readonly preset: string | null;
  readonly onFailure: string | null;
  /** False: as configured. */
  readonly isolate: boolean;
  readonly dryRun: boolean;
  /** Write over what was changed by hand. */
  readonly force: boolean;
  /** Start everything now; else it begins with the next boot. */
  readonly start: boolean;
}

export interface SetupModules {
  readonly host: Host;
  /** Null: nobody is there to answer. */
  readonly asker: Asker | null;
  readonly progress: Progress;
  /** Shows the plan. */
  show(text: string): void;
}

export interface SetupReport {
  readonly mode: Mode;
  readonly inside: string;
  readonly uplink: string;
  readonly ssid: string;
  readonly devices: readonly WishedDevice[];
  readonly files: readonly { path: string; change: Change }[];
  readonly enabled: readonly string[];
  readonly disabled: readonly string[];
  /** false: only told what would be done, or a person said no. */
  readonly done: boolean;
}

/** `hushbox setup`: finds out, asks, shows, writes, starts; all of it or nothing. */
export async function setUp(flags: SetupFlags, modules: SetupModules): Promise<SetupReport> {
  const { host, asker, progress } = modules;
  if (flags.onFailure !== null && !hasKey("onFailure"))
    throw new HushboxError("usage", "this hushbox has no onFailure in its configuration: leave --on-failure out");
  const start = host.live && flags.start;
  if (flags.wait > 0 && !start && flags.devices.length === 0)
    throw new HushboxError(
      "usage",
      "nobody joins a network that is not started: name devices with --device, not --wait",
    );
  const store = new Store(host);
  if (flags.dryRun && store.next !== null)
    throw new HushboxError("setup", "an earlier setup was cut off: hushbox setup --undo takes it back first");
  await takeBackLeftOver(host, store, progress);
  const inForce = store.inForce;
  const facts = await readFacts(host);
  const { plan, devices } = await decide(facts, flags, modules, inForce);
  const now = host.read(BOX_CONFIG);
  const box = devices.length === 0 ? null : planBox(host, plan.wish, devices, now);
  const whole: Plan = { ...plan, files: box === null ? plan.files : [...plan.files, box] };
  checkInForce(host, inForce, plan.wish, flags.force);
  const report = reportOf(host, whole, devices);
  modules.show(showPlan(host, whole));
  if (box === null) modules.show(`and ${BOX_CONFIG}, when devices have joined the network`);
  if (!facts.boxUnit)
    modules.show(`hushbox.service is not installed: start hushbox run yourself, after the access point`);
  if (flags.dryRun) return report;
  if (asker !== null && !(await asker.confirm("Do this?"))) return report;
  if (start) {
    await checkBridgeFamily(host);
    if (plan.wish.mode === "routed") await checkPorts(host);
  }
  const about = await readAbout(host, plan, inForce);
  progress.check();
  const transaction = Transaction.begin(host, store, about);
  let begun = false;
  try {
    progress.say(`writing ${whole.files.length} files`);
    transaction.put(whole.files);
    await transaction.links(async () => {
      const where = host.live ? [] : [`--root=${host.root}`];
      for (const unit of plan.disable) await host.must("disabling units", "systemctl", ...where, "disable", unit);
      await host.must("enabling units", "systemctl", ...where, "enable", ...plan.enable);
    });
    begun = start;
    if (start) await activate(host, plan, about, progress);
    const joined = box === null ? await waitForDevices(flags.wait, plan.wish.inside, modules) : devices;
    if (box === null) {
      transaction.put([planBox(host, plan.wish, joined, now)]);
      if (plan.enable.includes(GUARD_UNIT)) await startGuard(host);
    }
    progress.check();
    if (start && facts.boxUnit) {
      progress.say("starting hushbox");
      await startBox(host);
    }
    transaction.finish();
    return { ...report, devices: joined, done: true };
  } catch (error) {
    progress.say("that did not work: everything is put back");
    try {
      await takeBack(host, transaction, inForce, progress, begun);
    } catch (second) {
      throw new HushboxError(
        "setup",
        `${messageOf(error)}\n${messageOf(second)}; hushbox setup --undo tries again`,
        error,
      );
    }
    throw error;
  }
}

/** What an earlier run left half done is taken back before anything else. */
export async function takeBackLeftOver(host: Host, store: Store, progress: Progress): Promise<boolean> {
  const transaction = Transaction.leftOver(host, store);
  if (transaction === null) return false;
  progress.say("an earlier setup was cut off: it is taken back first");
  await takeBack(host, transaction, store.inForce, progress, host.live);
  return true;
}

async function takeBack(
  host: Host,
  transaction: Transaction,
  inForce: Ledger | null,
  progress: Progress,
  started: boolean,
): Promise<void> {
  const { about } = transaction;
  if (started && inForce === null) await stopUnits(host, about);
  for (const path of transaction.rollback()) progress.say(`somebody changed a file meanwhile; a copy is ${path}`);
  if (!started) {
    if (host.live) await host.run("systemctl", "daemon-reload");
  } else if (inForce === null) await settle(host, about, progress.say.bind(progress));
  else {
    // The access point of before goes on, as its files say again.
    await host.run("systemctl", "daemon-reload");
    await host.run("networkctl", "reload");
    for (const unit of [AP_UNIT, DHCP_UNIT, NAT_UNIT, BOX_UNIT]) await host.run("systemctl", "try-restart", unit);
  }
}

/** Linux: at most 15 bytes; what stands in files of ours must not have a meaning there. */
const CARD = /^[A-Za-z0-9_.-]{1,15}$/;

async function decide(
  facts: Facts,
  flags: SetupFlags,
  { host, asker }: SetupModules,
  inForce: Ledger | null,
): Promise<{ plan: Plan; devices: WishedDevice[] }> {
  const countries = knownCountries(host);
  if (host.live) checkPrograms(host, countries !== null);
  const before = inForce?.about;
  const named = {
    ...flags,
    inside: flags.inside ?? before?.inside ?? null,
    outside: flags.outside ?? before?.uplink ?? null,
  };
  if (!host.live && (named.inside === null || named.outside === null))
    throw new HushboxError(
      "usage",
      "of a tree that does not run the cards are not known: name them with --inside and --outside",
    );
  for (const name of [named.inside, named.outside])
    if (name !== null && !CARD.test(name)) throw new HushboxError("usage", `"${name}" is no name of a card`);
  const uplinkName = chooseUplink(facts, named);
  const card = host.live ? await chooseCard(host, facts, uplinkName, named, asker) : null;
  const mode = await askMode(flags.mode ?? before?.mode ?? null, asker);
  checkUplink(host, uplinkName, mode);
  checkBefore(host, facts, mode);
  const radio = await askRadio(flags, { card, country: facts.country, countries }, asker);
  const subnet = mode === "routed" ? chooseSubnet(flags.subnet, ownRoutesLeftOut(facts, inForce)) : null;
  const { preset, onFailure } = flags;
  const wish: Wish = {
    mode,
    inside: card?.name ?? named.inside ?? "",
    uplink: uplinkName,
    radio,
    subnet,
    preset,
    onFailure,
    isolate: isolates(host.read(BOX_CONFIG), flags.isolate),
  };
  const uplink = await uplinkOf(host, uplinkName, before);
  const devices = await chooseDevices(flags, host, asker);
  const closed = failsClosed(host.read(BOX_CONFIG), onFailure);
  return { plan: planAccessPoint(host, facts, { wish, uplink, card, closed }), devices };
}

/** The network that an earlier setup made is free for this one. */
function ownRoutesLeftOut({ routes }: Facts, inForce: Ledger | null): Facts["routes"] {
  return inForce === null ? routes : routes.filter(({ card }) => card !== GATEWAY);
}

/** Once it is a port of the bridge, the bridge has its addresses. */
async function uplinkOf(host: Host, name: string, before: About | undefined): Promise<Uplink> {
  if (!host.live) return { name, mac: "", address: "dhcp", addressed: false, iaid: null };
  const card = await readUplink(host, name);
  if (before?.mode !== "bridged") return card;
  const bridge = await readUplink(host, BRIDGE);
  return { ...card, address: bridge.address, addressed: bridge.addressed, iaid: bridge.iaid };
}

/** A second setup changes the first one; it does not move to other cards. */
function checkInForce(host: Host, inForce: Ledger | null, wish: Wish, force: boolean): void {
  if (inForce === null) return;
  const { mode, inside, uplink } = inForce.about;
  if (mode !== wish.mode || inside !== wish.inside || uplink !== wish.uplink)
    throw new HushboxError(
      "setup",
      `an access point is set up already, ${mode}, with ${inside} and ${uplink}: hushbox setup --undo first`,
    );
  // The user's own configuration is changed with care anyhow.
  const changed = changedByHand(host, inForce.entries).filter((path) => path !== BOX_CONFIG);
  if (changed.length > 0 && !force)
    throw new HushboxError(
      "setup",
      `${changed.join(", ")} was changed by hand since setup wrote it, and would be written anew: --force does that`,
    );
}

/** What undoing will have to know. What an earlier setup found stays true: it was before everything. */
async function readAbout(host: Host, { wish, disable }: Plan, inForce: Ledger | null): Promise<About> {
  if (inForce !== null) return inForce.about;
  const units = [NETWORKD, AP_UNIT, DHCP_UNIT, NAT_UNIT, GUARD_UNIT, BOX_UNIT, "NetworkManager.service", ...disable];
  const ran: string[] = [];
  for (const unit of host.live ? units : [])
    if ((await host.run("systemctl", "is-active", "--quiet", unit)).code === 0) ran.push(unit);
  return {
    mode: wish.mode,
    inside: wish.inside,
    uplink: wish.uplink,
    ran,
    sysctls: Object.fromEntries(
      (host.live ? sysctls(wish.mode) : []).flatMap(([key]) => {
        const value = readKnob(host, key);
        return value === null ? [] : [[key, value]];
      }),
    ),
    ifupdown: host.live && wish.mode === "bridged" && inIfupdown(host, wish.uplink),
    blocked: host.live ? blockedRadios(host) : [],
  };
}

function reportOf(host: Host, { wish, files, enable, disable }: Plan, devices: readonly WishedDevice[]): SetupReport {
  return {
    mode: wish.mode,
    inside: wish.inside,
    uplink: wish.uplink,
    ssid: wish.radio.ssid,
    devices,
    files: files.map((file) => ({ path: file.path, change: changeOf(host, file) })),
    enabled: enable,
    disabled: disable,
    done: false,
  };
}
