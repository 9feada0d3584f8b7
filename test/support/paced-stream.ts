import { Child } from "../bench/child.js";

// A datagram each millisecond, on time: Node's timers have a grain of one. Each carries its number; what was sent when is told at the end.
const SENDER = `
import socket, struct, sys, time, json, signal
address, port, rate, size = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
going, sent = True, []
def end(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
start = time.monotonic()
while going:
    wait = start + len(sent) / rate - time.monotonic()
    if wait > 0: time.sleep(wait)
    now = time.monotonic()
    try: s.sendto(struct.pack("!I", len(sent)).ljust(size, b"\\0"), (address, port))
    except OSError: pass
    sent.append(now)
print(json.dumps(sent))
`;

const RECEIVER = `
import socket, struct, sys, json, signal
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
s.bind((sys.argv[1], int(sys.argv[2])))
s.settimeout(0.1)
going, got = True, []
def end(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while going:
    try: got.append(struct.unpack("!I", s.recv(2048)[:4])[0])
    except TimeoutError: pass
print(json.dumps(got))
`;

/** What became of a stream. */
export interface StreamFate {
  readonly sent: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** The longest time without a datagram that arrived, in milliseconds, by when they were sent. */
  readonly outage: number;
}

/** Numbered datagrams from one namespace to an address in another, evenly spaced. */
export class PacedStream {
  readonly #sender: Child;
  readonly #receiver: Child;

  private constructor(sender: Child, receiver: Child) {
    this.#sender = sender;
    this.#receiver = receiver;
  }

  /** `rate`: datagrams a second. */
  static async start(
    from: string,
    to: string,
    { address, port, rate = 1000, bytes = 60 }: { address: string; port: number; rate?: number; bytes?: number },
  ): Promise<PacedStream> {
    const receiver = new Child(to, "python3", ["-c", RECEIVER, address, String(port)]);
    await receiver.printed(/ready/);
    const sender = new Child(from, "python3", ["-c", SENDER, address, ...[port, rate, bytes].map(String)]);
    await sender.printed(/ready/);
    return new PacedStream(sender, receiver);
  }

  /** Ends it, after what is still on its way. */
  async end(): Promise<StreamFate> {
    await this.#sender.stop();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await this.#receiver.stop();
    const [sent, got] = [await this.#sender.text(), await this.#receiver.text()].map(
      (text) => JSON.parse(text.trim().split("\n").at(-1) ?? "") as number[],
    ) as [number[], number[]];
    return fateOf(sent, got);
  }
}

/** `sent`: when each was, in seconds; `got`: the numbers in the order in which they came. */
export function fateOf(sent: readonly number[], got: readonly number[]): StreamFate {
  const seen = new Set<number>();
  let duplicated = 0;
  let reordered = 0;
  let highest = -1;
  for (const number of got) {
    if (seen.has(number)) duplicated++;
    else if (number < highest) reordered++;
    seen.add(number);
    highest = Math.max(highest, number);
  }
  let outage = 0;
  let last = sent[0] ?? 0;
  sent.forEach((at, number) => {
    if (!seen.has(number)) return;
    outage = Math.max(outage, at - last);
    last = at;
  });
  return {
    sent: sent.length,
    lost: sent.length - seen.size,
    duplicated,
    reordered,
    outage: Math.round(outage * 1e4) / 10,
  };
}
