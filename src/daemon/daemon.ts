import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { ChangeTerms, Door, Outcome } from "../api/door.js";
import { EventStream } from "../api/event-stream.js";
import { ControlApi } from "../api/server.js";
import { statusOf } from "../api/status.js";
import { Token } from "../api/token.js";
import type { ConfigFile } from "../config/config-file.js";
import { topPreset } from "../config/resolve.js";
import type { Config } from "../config/schema.js";
import type { ApiSettings, Settings, TunnelSettings } from "../config/settings.js";
import type { Counters } from "../datapath/counters.js";
import type { DatapathHandle, DestinationReport, DeviceReport, FlowReport, SavedState } from "../datapath/handle.js";
import type { CardOptions, DatapathOptions } from "../datapath/options.js";
import type { TunnelReport } from "../datapath/tunnel-report.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import type { Log } from "../log/log.js";
import type { OpenLog } from "../log/open-log.js";
import { Metrics } from "../metrics/metrics.js";
import type { Bridge } from "../nic/bridge.js";
import type { TurnedOff } from "../nic/offload.js";
import { Bridging, guardedOf, type BridgeModules } from "./bridging.js";
import { BudgetFile } from "./budget-file.js";
import { CardWatch } from "./card-watch.js";
import { GuardFile } from "./guard-file.js";
import { DestinationWatch } from "./destination-watch.js";
import { ConfigInForce } from "./config-in-force.js";
import { Shared, within } from "./deadline.js";
import { checkRealtime } from "./check/realtime-check.js";
import { StateLock } from "./state-lock.js";
import { VerdictFile } from "./verdict-file.js";
import type { Tunnel } from "./tunnel/tunnel.js";
import { reloading, Watchdog, type Notify } from "./systemd.js";

/** A loop that has not turned for so long stands still. */
const STILL = 2_000;
/** How long the packets' side may take to answer. */
const ANSWER = 1_500;
const SAVE_EVERY = 60_000;
const LOOK_EVERY = 1_000;
const LOOK_AT_BRIDGE_EVERY = 100;
const LOOK_AT_DESTINATIONS_EVERY = 5_000;

/** The tunnel as the daemon holds it. */
export type TunnelTask = Pick<Tunnel, "start" | "apply" | "look" | "judge" | "stop" | "cards" | "datapath" | "report">;

/** What the daemon works with; all of it stands in for the outside in tests. */
export interface DaemonModules {
  readonly version: string;
  readonly log: OpenLog;
  readonly environment: NodeJS.ProcessEnv;
  readonly notify: Notify;
  readonly startDatapath: (
    cards: CardOptions,
    options: DatapathOptions,
    saved: SavedState | null,
    bridge: Bridge | null,
    log: Log,
  ) => Promise<DatapathHandle>;
  /** The kernel's bridges, as far as they concern these two cards. */
  readonly bridges: (cards: CardOptions) => BridgeModules;
  /** The way through WireGuard; reads its file. */
  readonly makeTunnel: (settings: TunnelSettings, log: Log) => TunnelTask;
  /** Offloads of the cards, with their state in a directory. */
  readonly offloads: (state: string) => { recover(): string[]; turnOff(name: string): TurnedOff; putBack(): string[] };
}

/**
 * Puts the house together: observers first, packets last, and back in reverse. Holds the one configuration in force; whoever wants another,
 * the API or a signal, comes through `change`.
 */
export class Daemon implements Door {
  readonly startedAt = Date.now();
  readonly #modules: DaemonModules;
  readonly #force: ConfigInForce;
  readonly #events: EventStream;
  readonly #api: ControlApi;
  readonly #offloads: ReturnType<DaemonModules["offloads"]>;
  readonly #bridging: Bridging;
  readonly #budget: BudgetFile;
  readonly #watch: DestinationWatch;
  readonly #lock: StateLock;
  readonly #watchdog: Watchdog;
  readonly #tunnel: TunnelTask | null;
  readonly #cards: CardWatch;
  readonly #devices = new Shared(() => this.#running().devices());
  readonly #flows = new Shared(() => this.#running().flows());
  readonly #destinations = new Shared(() => this.#running().destinations());
  readonly #ended: Promise<Error>;
  #end: (error: Error) => void = () => undefined;
  #handle: DatapathHandle | null = null;
  #touched = false;
  #dead = false;
  #lastApply: number | null = null;
  #timers: NodeJS.Timeout[] = [];
  #stopping: Promise<void> | undefined;

  /** Makes the state directory and the token where they are not; nothing listens or runs yet. */
  constructor(file: ConfigFile, modules: DaemonModules) {
    const { log, environment, notify } = modules;
    this.#modules = modules;
    this.#force = new ConfigInForce(file, (settings) => this.#apply(settings), log);
    const { state, cards, api, tunnel } = this.#force.settings;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    makeState(state);
    this.#tunnel = tunnel === null ? null : modules.makeTunnel(tunnel, log);
    this.#events = new EventStream(() => statusOf(this));
    this.#lock = new StateLock(state);
    this.#offloads = modules.offloads(state);
    this.#bridging = new Bridging(modules.bridges(cards), new GuardFile(join(state, "guard.json"), log), log);
    this.#budget = new BudgetFile(join(state, "budget.json"), log);
    this.#watch = new DestinationWatch(new VerdictFile(join(state, "destinations.json"), log), log);
    this.#watchdog = new Watchdog(environment, () => this.turning, notify);
    this.#cards = new CardWatch({ ...cards, ...this.#tunnel?.cards }, log, (name) => {
      this.#turnOffloads(name);
    });
    const metrics = new Metrics({
      version: modules.version,
      counters: () => this.counters,
      devices: async () => (await this.devices()) ?? [],
      options: () => this.#datapathOf(this.#force.settings),
      tunnel: () => this.tunnel,
      turning: () => this.turning,
      guarded: () => this.guarded,
      lastApply: () => this.#lastApply,
      eventClients: () => this.#events.clients,
    });
    this.#api = new ControlApi({ door: this, metrics, events: this.#events, log }, Token.load(api.tokenFile, log));
  }

  /** Resolves when packets flow. What was begun is undone where it fails. */
  async start(): Promise<void> {
    const { log, notify } = this.#modules;
    const { cards, offloads } = this.#force.settings;
    log.setLevel(this.#force.settings.logLevel);
    try {
      this.#lock.take();
      await this.#api.start();
      this.#touched = true;
      const left = this.#offloads.recover();
      if (left.length > 0) log.info("put back offloads that an earlier run had left off", { interfaces: left });
      for (const { message, advice } of checkRealtime(this.#force.settings, "/proc"))
        log.warn(message, { advice: advice ?? null });
      await this.#tunnel?.start();
      if (offloads === "off") for (const name of [cards.inside, cards.outside]) this.#turnOffloads(name);
      const bridge = this.#bridging.start(this.#force.settings);
      const saved = { budget: this.#budget.load(), verdicts: this.#watch.load() };
      const opened = { ...cards, ...this.#tunnel?.cards };
      const handle = await this.#modules.startDatapath(
        opened,
        this.#datapathOf(this.#force.settings),
        saved,
        bridge,
        log,
      );
      this.#handle = handle;
      if (this.#stopping !== undefined) throw new HushboxError("internal", "stopped while starting");
      void handle.failed.then((error) => {
        this.#failed(error);
      });
    } catch (error) {
      // Where somebody stopped the start, the packets' side has come up behind that stop's back.
      if (this.#stopping !== undefined) await this.#handle?.stop(false);
      await this.stop();
      throw error;
    }
    this.#timers = [
      setInterval(() => void this.#saveBudget(), SAVE_EVERY),
      setInterval(() => void this.#lookAtDestinations(), LOOK_AT_DESTINATIONS_EVERY),
      setInterval(() => {
        if (this.counters !== null) this.#cards.look(this.counters, performance.now());
        this.#lookAtGuard();
        void this.#lookAtTunnel();
      }, LOOK_EVERY),
      setInterval(() => void this.#lookAtBridge(), LOOK_AT_BRIDGE_EVERY),
    ];
    this.#watchdog.start();
    notify(`READY=1\nSTATUS=${this.#summary()}`);
    log.info("ready", {
      preset: topPreset(this.#force.config),
      devices: this.#force.config.devices.length,
      api: this.#api.url ?? "",
    });
  }

  /** Ends packets first, observers last. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Resolves when the packets' side ended without being asked to, with the reason. */
  get ended(): Promise<Error> {
    return this.#ended;
  }

  /** Where the API answers; null while it does not. */
  get url(): string | null {
    return this.#api.url;
  }

  /** Reads the file again; what is wrong with it, or needs a restart, is told in the log and changes nothing. */
  async reload(): Promise<void> {
    const { log, notify } = this.#modules;
    notify(reloading());
    try {
      const outcome = await this.#force.reload();
      this.#announce(outcome);
      if (outcome.result === "applied") log.info("reloaded the configuration", { file: this.file });
      else log.error(`the changed configuration is not in force: ${lines(outcome)}`);
    } catch (error) {
      log.error(`the changed configuration is not in force: ${messageOf(error)}`);
    }
    notify(`READY=1\nSTATUS=${this.#summary()}`);
  }

  async change(make: (config: Config) => unknown, terms: ChangeTerms): Promise<Outcome> {
    const outcome = await this.#force.change(make, terms);
    this.#announce(outcome);
    return outcome;
  }

  get version(): string {
    return this.#modules.version;
  }

  get file(): string {
    return this.#force.path;
  }

  get config(): Config {
    return this.#force.config;
  }

  get etag(): string {
    return this.#force.etag;
  }

  get saved(): boolean {
    return this.#force.saved;
  }

  get settings(): ApiSettings {
    return this.#force.settings.api;
  }

  get ready(): boolean {
    return this.#handle !== null && !this.#dead && this.#stopping === undefined;
  }

  get turning(): boolean {
    const last = this.counters?.read("last_turn_us") ?? 0;
    return last > 0 && Number(process.hrtime.bigint() / 1000n) - last < STILL * 1e3;
  }

  get counters(): Counters | null {
    return this.#handle?.counters ?? null;
  }

  get bridge(): string | null {
    return this.#bridging.bridge?.name ?? null;
  }

  get guarded(): boolean {
    return this.#bridging.guarded;
  }

  get tunnel(): TunnelReport | null {
    return this.#tunnel?.report() ?? null;
  }

  devices(): Promise<readonly DeviceReport[] | null> {
    return within(ANSWER, this.#devices.get());
  }

  flows(): Promise<readonly FlowReport[] | null> {
    return within(ANSWER, this.#flows.get());
  }

  destinations(): Promise<readonly DestinationReport[] | null> {
    return within(ANSWER, this.#destinations.get());
  }

  async forgetDestinations(): Promise<number | null> {
    const before = await this.#lookAtDestinations();
    if (before === null) return null;
    const forgotten = await within(
      ANSWER,
      this.#running()
        .forgetDestinations()
        .then(() => true),
    );
    if (forgotten === null) return null;
    this.#watch.look([], Date.now());
    const verdicts = before.reduce((n, { off }) => n + off.length, 0);
    this.#modules.log.info("forgot which destinations do not take padding", { verdicts });
    return verdicts;
  }

  /** Milliseconds until packets saw the settings, 0 where packets are not concerned; null where the packets' side failed. */
  async #apply(settings: Settings): Promise<number | null> {
    const now = this.#force.settings;
    const guards = settings.onFailure !== now.onFailure || !isDeepStrictEqual(guardedOf(settings), guardedOf(now));
    if (!this.ready || (guards && !this.#guard(settings))) return null;
    let milliseconds: number | null = 0;
    if (settings.tunnel !== null && !isDeepStrictEqual(settings.tunnel, now.tunnel)) {
      await this.#tunnel?.apply(settings.tunnel);
    }
    const wanted = this.#datapathOf(settings);
    if (!isDeepStrictEqual(wanted, this.#datapathOf(now))) {
      milliseconds = await within(ANSWER, this.#running().apply(wanted));
      if (milliseconds === null) {
        if (guards) this.#guard(now);
        return null;
      }
      this.#lastApply = milliseconds / 1e3;
    }
    this.#bridging.isolate(settings);
    this.#modules.log.setLevel(settings.logLevel);
    return Math.round(milliseconds * 1e3) / 1e3;
  }

  /** A device is guarded before it is taken over, and let go of after the guard has: while hushbox runs the guard alone drops nothing. */
  #guard(settings: Settings): boolean {
    try {
      this.#bridging.guard(settings);
      return true;
    } catch (error) {
      this.#modules.log.error("what passes without hushbox could not be changed", { reason: messageOf(error) });
      return false;
    }
  }

  #lookAtGuard(): void {
    try {
      this.#bridging.look();
    } catch (error) {
      this.#modules.log.error("the guard of onFailure: closed could not be put back", { reason: messageOf(error) });
    }
  }

  async #lookAtBridge(): Promise<void> {
    if (!this.ready) return;
    const bridge = this.#bridging.changed();
    this.#bridging.isolate(this.#force.settings);
    if (bridge !== undefined) await within(ANSWER, this.#running().bridge(bridge));
  }

  #announce(outcome: Outcome): void {
    if (outcome.result !== "applied" || outcome.changed.length === 0) return;
    const { changed, milliseconds, persisted } = outcome;
    this.#modules.log.info("changed the configuration", { changed, milliseconds, persisted });
    this.#modules.notify(`STATUS=${this.#summary()}`);
    this.#events.publish("change", { changed, milliseconds, persisted });
  }

  /** In a tunnel the kernel carries the devices' packets to the datapath, and there are other ones to speak of. */
  #datapathOf({ datapath, tunnel }: Settings): DatapathOptions {
    return this.#tunnel === null || tunnel === null ? datapath : this.#tunnel.datapath(tunnel);
  }

  async #lookAtTunnel(): Promise<void> {
    if (this.#tunnel === null) return;
    const changed = await this.#tunnel.look();
    const { counters } = this;
    if (!this.ready || counters === null) return;
    // Who it is is asked only where there is somebody.
    const strange = counters.read("far_decoys_of_other_version") > 0;
    this.#tunnel.judge(counters, (strange ? await this.devices() : null) ?? []);
    if (!changed) return;
    const wanted = this.#datapathOf(this.#force.settings);
    if ((await within(ANSWER, this.#running().apply(wanted))) === null)
      this.#modules.log.error("the packets' side did not take over another size of the tunnel");
  }

  #turnOffloads(name: string): void {
    const { log } = this.#modules;
    // What a tunnel's packets pass is the tunnel's own; the kernel cuts merged frames up before.
    if (this.#force.settings.offloads !== "off" || this.#tunnel !== null) return;
    try {
      const { off, stuck } = this.#offloads.turnOff(name);
      if (off.length > 0)
        log.info("turned offloads off; they are put back on exit", { interface: name, offloads: off });
      if (stuck.length > 0)
        log.warn("the driver keeps offloads on; merged frames may arrive and cannot be sent again", {
          interface: name,
          offloads: stuck,
        });
    } catch (error) {
      if (this.#handle === null) throw error;
      log.warn("offloads could not be turned off", { interface: name, reason: messageOf(error) });
    }
  }

  async #saveBudget(): Promise<void> {
    const state = this.#handle === null ? null : await within(ANSWER, this.#handle.budget());
    if (state !== null) this.#budget.save(state);
  }

  /** What destinations do not take is told and kept. */
  async #lookAtDestinations(): Promise<readonly DestinationReport[] | null> {
    const reports = this.#handle === null ? null : await this.destinations();
    if (reports !== null) this.#watch.look(reports, Date.now());
    return reports;
  }

  async #stop(): Promise<void> {
    const { log, notify } = this.#modules;
    notify("STOPPING=1");
    this.#watchdog.stop();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#force.settled();
    await Promise.all([this.#saveBudget(), this.#lookAtDestinations()]);
    const release = this.#force.settings.onFailure === "open";
    if (this.#handle !== null) await within(2 * ANSWER, this.#handle.stop(release));
    this.#bridging.close();
    await this.#tunnel?.stop();
    try {
      // Who has not begun with them might take away another's record of what to put back.
      if (this.#touched) this.#offloads.putBack();
    } catch (error) {
      log.warn("offloads could not be put back; the next start tries again", { reason: messageOf(error) });
    }
    await this.#api.stop();
    this.#lock.release();
  }

  #failed(error: Error): void {
    if (this.#stopping !== undefined) return;
    this.#dead = true;
    this.#modules.log.error("the packets' side ended by itself", { reason: messageOf(error) });
    this.#modules.notify(`STATUS=failed: ${messageOf(error).split("\n")[0] ?? ""}`);
    this.#end(error);
  }

  #running(): DatapathHandle {
    if (this.#handle === null) throw new HushboxError("internal", "the datapath does not run");
    return this.#handle;
  }

  #summary(): string {
    const n = this.#force.config.devices.length;
    return `preset ${topPreset(this.#force.config)}, ${n} device${n === 1 ? "" : "s"}, API at ${this.#api.url ?? "none"}`;
  }
}

function makeState(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new HushboxError(
      "state-unreadable",
      `making the state directory ${directory} failed: ${messageOf(cause)}; make it writable for this user, or set state to one that is`,
      cause,
    );
  }
}

function lines(outcome: Outcome): string {
  if ("problems" in outcome) return outcome.problems.map(({ path, message }) => `${path} ${message}`).join("\n");
  return "message" in outcome ? outcome.message : outcome.result;
}
