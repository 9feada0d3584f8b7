import { Child } from "../bench/child.js";

// Frames of a type that no stack takes (IEEE 802 local experimental, 0x88b5), each with its number behind the header.
const SENDER = `
import socket, struct, sys, time
name, source, count, wait = sys.argv[1], bytes.fromhex(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((name, 0))
for number in range(count):
    for to in sys.argv[5:]:
        to = bytes.fromhex(to)
        s.send(to + source + struct.pack("!HI", 0x88b5, number) + to + bytes(40))
        time.sleep(wait)
`;

const RECEIVER = `
import collections, json, signal, socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5))
s.bind((sys.argv[1], 0x88b5))
s.settimeout(0.1)
going, got = True, collections.defaultdict(list)
def end(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while going:
    try: frame, (_, _, kind, _, _) = s.recvfrom(2048)
    except TimeoutError: continue
    if kind != socket.PACKET_OUTGOING: got[frame[:6].hex()].append(struct.unpack("!I", frame[14:18])[0])
print(json.dumps(got))
`;

const bare = (mac: string): string => mac.replaceAll(":", "");

/**
 * Sends `count` numbered frames to each of the addresses from one interface, and answers the numbers that came at another, in their order, by address.
 */
export async function sendNumbered(
  from: { readonly namespace: string; readonly name: string; readonly mac: string },
  to: { readonly namespace: string; readonly name: string },
  addresses: readonly string[],
  { count = 20, wait = 0.002 } = {},
): Promise<Record<string, number[]>> {
  const receiver = new Child(to.namespace, "python3", ["-c", RECEIVER, to.name]);
  await receiver.printed(/ready/);
  const args = [from.name, bare(from.mac), String(count), String(wait), ...addresses.map(bare)];
  await new Child(from.namespace, "python3", ["-c", SENDER, ...args]).text();
  await new Promise((resolve) => setTimeout(resolve, 200));
  await receiver.stop();
  const got = JSON.parse((await receiver.text()).trim().split("\n").at(-1) ?? "") as Record<string, number[]>;
  return Object.fromEntries(addresses.map((address) => [address, got[bare(address)] ?? []]));
}
