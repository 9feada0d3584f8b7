// Sends one UDP packet as a decoy to each address given, by the libpcap cards with decoys on the IP layer:
// node ip-decoy.js INSIDE OUTSIDE DEVICE_MAC DESTINATION_IP...    Prints {"routed":n,"unrouted":n,"sent":n,"refused":n,"free":n}
import { IpSender } from "../../src/nic/ip-sender.js";
import { LibpcapCards } from "../../src/nic/libpcap.js";
import { dissect } from "../../src/packet/dissect.js";
import { DECOY } from "../../src/packet/packet.js";
import { Pool } from "../../src/packet/pool.js";
import * as ethernet from "../../src/wire/ethernet.js";
import * as ipv4 from "../../src/wire/ipv4.js";

const [, , inside = "", outside = "", mac = "", ...destinations] = process.argv;
const pool = new Pool(16);
const device = ethernet.parseMac(mac) ?? 0;
const ip = new IpSender(pool.view);
const cards = new LibpcapCards({ inside, outside }, { pool, macs: [device], ip });
for (const destination of destinations) {
  const packet = pool.take();
  if (packet === null) throw new Error("no slot");
  const { view } = pool;
  const network = packet.at + ethernet.HEADER;
  pool.bytes.fill(0, packet.at, packet.at + 70);
  ethernet.setDestination(view, packet.at, 0x02005e200099);
  ethernet.setSource(view, packet.at, device);
  ethernet.setType(view, packet.at, ethernet.IPV4);
  view.setUint8(network, 0x45);
  ipv4.setTotalLength(view, network, 48);
  ipv4.setTtl(view, network, 2);
  ipv4.setProtocol(view, network, 17);
  ipv4.setSource(view, network, ipv4.parse("10.9.0.1") ?? 0);
  ipv4.setDestination(view, network, ipv4.parse(destination) ?? 0);
  ipv4.updateChecksum(view, network);
  view.setUint16(network + 20, 61000);
  view.setUint16(network + 22, 34567);
  view.setUint16(network + 24, 28);
  packet.length = packet.wireLength = 62;
  packet.kind = DECOY;
  packet.pad = 10;
  dissect(packet, view);
  cards.outside.send(packet);
}
setTimeout(() => {
  for (let p = cards.outside.receive(); p !== null; p = cards.outside.receive()) pool.release(p);
  const { sent, refused } = cards.outside.counters;
  console.log(JSON.stringify({ routed: ip.routed, unrouted: ip.unrouted, sent, refused, free: pool.available }));
  process.exit(0);
}, 300);
