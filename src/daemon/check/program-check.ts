import type { Settings } from "../../config/settings.js";
import { messageOf } from "../../errors/message-of.js";
import { native } from "../../nic/native.js";
import { hasCapability, type Capability } from "../capability.js";
import type { Finding } from "./finding.js";

/** Whether hushbox is whole and may what it must: its addon, the packages that a card needs, the capabilities of this process. */
export function checkProgram(settings: Settings, proc: string): Finding[] {
  const libraries = settings.cards.card === "libpcap" ? ["cap", "raw-socket"].flatMap(library) : [];
  return [addon(), ...libraries, ...capabilities(settings, proc)];
}

function addon(): Finding {
  try {
    native();
    return { status: "ok", what: "addon", message: "the packet ring is compiled and loads" };
  } catch (error) {
    return { status: "fail", what: "addon", message: messageOf(error) };
  }
}

function library(name: string): Finding[] {
  try {
    // Only whether it is there: loading it here would spoil it for the thread that needs it.
    import.meta.resolve(name);
    return [{ status: "ok", what: name, message: "is installed" }];
  } catch {
    return [
      {
        status: "fail",
        what: name,
        message: "nic.card is libpcap, and this package is not installed",
        advice: "apt-get install libpcap-dev g++ make python3, then npm install; or set nic.card: ring",
      },
    ];
  }
}

function capabilities(settings: Settings, proc: string): Finding[] {
  const missing = needed(settings).filter((name) => !hasCapability(name, proc));
  const what = "permissions";
  if (missing.length === 0) return [{ status: "ok", what, message: `has ${needed(settings).join(", ")}` }];
  return [
    {
      status: "fail",
      what,
      message: `lacks ${missing.join(", ")}`,
      advice: "run as root (sudo), or by systemd/hushbox.service, which grants them",
    },
  ];
}

function needed({ api }: Settings): Capability[] {
  const all: Capability[] = ["CAP_NET_RAW", "CAP_NET_ADMIN"];
  if (api.port > 0 && api.port < 1024) all.push("CAP_NET_BIND_SERVICE");
  return all;
}
