import { createSocket, type Socket } from "node:dgram";
import { setTimeout as pause } from "node:timers/promises";
import { HushboxError } from "../errors/hushbox-error.js";
import type { Host } from "./host.js";
import { question, readAnswers, type Answers } from "./mdns-message.js";

/** What speakers offer: Google's casting, Amazon's (Echo), Apple's AirPlay (HomePod), Sonos. */
export const SERVICES = [
  "_googlecast._tcp.local",
  "_amzn-wplay._tcp.local",
  "_amzn-alexa._tcp.local",
  "_airplay._tcp.local",
  "_raop._tcp.local",
  "_sonos._tcp.local",
] as const;

const MDNS = { address: "224.0.0.251", port: 5353 } as const;

/** A speaker that answered. */
export interface FoundSpeaker {
  /** What it calls itself, or what its service's instance is called. */
  readonly called: string;
  readonly address: string;
  /** As in "googlecast". */
  readonly service: string;
}

/** Who answers on the networks of these addresses (of this machine) within some milliseconds. Asked thrice: packets to all are lost easily on the air. */
export async function searchSpeakers(
  from: readonly string[],
  milliseconds: number,
  to: { address: string; port: number } = MDNS,
): Promise<FoundSpeaker[]> {
  const found = new Map<string, FoundSpeaker>();
  const opened = await Promise.allSettled(from.map((address) => listen(address, found)));
  const sockets = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  // An address that has gone is no reason not to ask from the others.
  const [first] = opened;
  if (sockets.length === 0 && first?.status === "rejected") throw first.reason;
  try {
    for (let i = 0; i < 3; i++) {
      for (const socket of sockets) socket.send(question(SERVICES), to.port, to.address);
      await pause(milliseconds / 3);
    }
  } finally {
    for (const socket of sockets) socket.close();
  }
  return [...found.values()].sort((a, b) => (a.called < b.called ? -1 : 1));
}

/** A port of its own, so that answers come to us alone (RFC 6762, 6.7), whoever else here has port 5353. */
function listen(address: string, found: Map<string, FoundSpeaker>): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    socket.once("error", (cause) => {
      reject(new HushboxError("setup", `looking for speakers from ${address} failed: ${cause.message}`, cause));
    });
    socket.on("message", (message, sender) => {
      const answers = readAnswers(message);
      if (answers === null) return;
      for (const speaker of speakersIn(answers, sender.address)) {
        // Of several services the first that was asked for tells the name.
        const known = found.get(speaker.address);
        if (known === undefined || rank(speaker) < rank(known)) found.set(speaker.address, speaker);
      }
    });
    socket.bind(0, address, () => {
      // Refused, it changes nothing: a question to all leaves by the card that has its sender's address anyhow (Linux), and one hop is enough. Thrown
      // from here, an error would meet nobody.
      tolerated(() => {
        socket.setMulticastInterface(address);
        socket.setMulticastTTL(255);
      });
      // A network that is not there any more is no reason to stop.
      socket.removeAllListeners("error").on("error", () => undefined);
      resolve(socket);
    });
  });
}

function tolerated(set: () => void): void {
  try {
    set();
  } catch {
    // As good without.
  }
}

function rank({ service }: FoundSpeaker): number {
  return SERVICES.findIndex((name) => name.startsWith(`_${service}.`));
}

export function speakersIn(answers: Answers, sender: string): FoundSpeaker[] {
  return answers.instances.flatMap(({ service, instance }) => {
    if (!SERVICES.some((name) => name === service)) return [];
    const words = answers.words.get(instance) ?? [];
    const friendly =
      words.find((word) => word.startsWith("fn="))?.slice(3) ?? words.find((word) => word.startsWith("n="))?.slice(2);
    const plain = instance.slice(0, instance.toLowerCase().indexOf(`.${service}`));
    // AirPlay's audio service puts an identifier before the name: 0123456789AB@Bedroom.
    const called = friendly ?? plain.replace(/^[0-9A-F]{12}@/, "");
    const address = answers.addresses.get(answers.hosts.get(instance) ?? "") ?? sender;
    return [{ called, address, service: service.slice(1, service.indexOf(".")) }];
  });
}

interface Neighbour {
  readonly dst?: string;
  readonly lladdr?: string;
}

/** The MAC address behind an address of the same network, or null. */
export async function macOf(host: Host, address: string): Promise<string | null> {
  // Something has to be sent there before the kernel asks for it; the discard port wants nothing of it (RFC 863).
  const socket = createSocket("udp4");
  socket.on("error", () => undefined);
  try {
    socket.send(Buffer.alloc(1), 9, address);
    for (let i = 0; i < 10; i++) {
      const rows = JSON.parse(
        (await host.ask("ip", "-j", "-4", "neigh", "show", "to", address)) ?? "[]",
      ) as Neighbour[];
      const mac = rows.find(({ dst }) => dst === address)?.lladdr;
      if (mac !== undefined) return mac.toLowerCase();
      await pause(100);
    }
    return null;
  } catch {
    return null;
  } finally {
    socket.close();
  }
}
