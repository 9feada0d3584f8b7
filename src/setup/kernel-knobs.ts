import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import type { Host } from "./host.js";

/** A setting of the kernel as it is; null where this kernel does not have it now. */
export function readKnob(host: Host, key: string): string | null {
  return host.read(place(key))?.trim() ?? null;
}

/** Sets what is there; what is not (br_netfilter is not loaded) needs no setting. Throws `setup`. */
export function setKnob(host: Host, key: string, value: string): void {
  put(host, place(key), value);
}

function put(host: Host, path: string, value: string): void {
  if (!existsSync(host.path(path))) return;
  try {
    writeFileSync(host.path(path), value);
  } catch (cause) {
    throw new HushboxError("setup", `setting ${path} to ${value} failed: ${messageOf(cause)}`, cause);
  }
}

function place(key: string): string {
  return `/proc/sys/${key.replaceAll(".", "/")}`;
}

/** Switches of radios that are off by software. Raspberry Pi OS leaves Wi-Fi so until it knows a country. */
export function blockedRadios(host: Host): string[] {
  return radios(host).filter((name) => host.read(`/sys/class/rfkill/${name}/soft`)?.trim() === "1");
}

/** Whether a switch of metal holds a radio off: nothing but a hand puts that right. */
export function switchedOff(host: Host): boolean {
  return radios(host).some((name) => host.read(`/sys/class/rfkill/${name}/hard`)?.trim() === "1");
}

export function blockRadio(host: Host, name: string, blocked: boolean): void {
  put(host, `/sys/class/rfkill/${name}/soft`, blocked ? "1" : "0");
}

function radios(host: Host): string[] {
  try {
    return readdirSync(host.path("/sys/class/rfkill")).filter(
      (name) => host.read(`/sys/class/rfkill/${name}/type`)?.trim() === "wlan",
    );
  } catch {
    return [];
  }
}
