import { setTimeout as pause } from "node:timers/promises";
import { HushboxError } from "../errors/hushbox-error.js";
import type { Progress } from "./activate.js";
import { configuredDevices } from "./box-config.js";
import { namedDevices, speakersAround, stationsOf, type Candidate } from "./devices.js";
import type { Host } from "./host.js";
import { BOX_CONFIG } from "./names.js";
import type { Asker } from "./terminal.js";
import { deviceName, type WishedDevice } from "./wish.js";

export interface DeviceFlags {
  /** `NAME=MAC`, a MAC address, or what a speaker calls itself. */
  readonly devices: readonly string[];
  /** Milliseconds to wait for devices to join the new network, where none is named; 0: do not. */
  readonly wait: number;
}

/** Devices by flags, by the configuration, or by asking; none where they are waited for. Throws `usage` where nobody says which. */
export async function chooseDevices(flags: DeviceFlags, host: Host, asker: Asker | null): Promise<WishedDevice[]> {
  const around = (): Promise<Candidate[]> => {
    asker?.tell("looking for speakers on the home network …");
    return host.live ? speakersAround(host) : Promise.resolve([]);
  };
  if (flags.devices.length > 0) return namedDevices(flags.devices, around);
  const configured = configuredDevices(host.read(BOX_CONFIG));
  if (configured.length > 0 || flags.wait > 0) return configured;
  if (asker === null)
    throw new HushboxError(
      "usage",
      "which devices? --device NAME=MAC, --device with what a speaker calls itself, or --wait 5min for those that join",
    );
  return pick(await around(), [], asker);
}

/** Which of those that were found; by hand where none is right. */
async function pick(
  found: readonly Candidate[],
  taken: readonly WishedDevice[],
  asker: Asker,
): Promise<WishedDevice[]> {
  const devices: WishedDevice[] = [...taken];
  for (const { mac, called, how } of found) {
    if (devices.some((device) => device.mac === mac)) continue;
    if (await asker.confirm(`Defend ${called ?? "the device"} (${mac}, ${how})?`))
      devices.push({ name: deviceName(called ?? "speaker", devices), mac });
  }
  if (devices.length > 0) return devices;
  const nothing = found.length === 0 ? "no speaker answered; " : "";
  const text = await asker.text(`${nothing}NAME=MAC of a device (it is on its label or in its app)`, "", (given) => {
    if (!given.includes("=")) throw new HushboxError("usage", "such as kitchen=aa:bb:cc:dd:ee:ff");
  });
  return namedDevices([text], () => Promise.resolve(found));
}

/** Those that join the network in time. With nobody to ask, all of them are taken. */
export async function waitForDevices(
  milliseconds: number,
  card: string,
  { host, asker, progress }: { host: Host; asker: Asker | null; progress: Progress },
): Promise<WishedDevice[]> {
  progress.say(`join the speaker to the new network now; waiting ${Math.round(milliseconds / 1000)} s for it`);
  for (let waited = 0; waited < milliseconds; waited += progress.every) {
    progress.check();
    const found = await stationsOf(host, card);
    if (found.length > 0) {
      if (asker !== null) return pick(found, [], asker);
      const devices: WishedDevice[] = [];
      for (const { mac, called } of found) devices.push({ name: deviceName(called ?? "speaker", devices), mac });
      return devices;
    }
    await pause(progress.every);
  }
  throw new HushboxError(
    "setup",
    "no device joined the network in time: check the password in the speaker's app, or name the device with --device",
  );
}
