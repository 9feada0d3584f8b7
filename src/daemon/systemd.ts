/** Sends a message to the service manager (sd_notify(3)); false where none listens. */
export type Notify = (text: string) => boolean;

/** Asks `alive` three times within the time that systemd allows, and feeds its watchdog where the answer is yes. */
export class Watchdog {
  readonly #milliseconds: number;
  readonly #alive: () => boolean;
  readonly #notify: Notify;
  #timer: NodeJS.Timeout | undefined;

  constructor(environment: NodeJS.ProcessEnv, alive: () => boolean, notify: Notify) {
    const mine = environment["WATCHDOG_PID"] === undefined || environment["WATCHDOG_PID"] === String(process.pid);
    const micros = mine ? Number(environment["WATCHDOG_USEC"] ?? 0) : 0;
    this.#milliseconds = Number.isFinite(micros) ? micros / 3000 : 0;
    this.#alive = alive;
    this.#notify = notify;
  }

  start(): void {
    if (this.#milliseconds <= 0) return;
    this.#timer = setInterval(() => {
      if (this.#alive()) this.#notify("WATCHDOG=1");
    }, this.#milliseconds);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** The message before a reload; newer systemd wants the moment (CLOCK_MONOTONIC) with it. */
export function reloading(): string {
  return `RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`;
}
