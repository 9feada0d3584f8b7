import { test } from "tap";
import { standInMac, WgFile } from "../../../../src/daemon/tunnel/wg-file.js";
import { wgKeys } from "../../../../src/emulator/wireguard.js";

const [OWN, FAR, OTHER] = [wgKeys(), wgKeys(), wgKeys()];
const HEAD = `[Interface]\nPrivateKey = ${OWN.privateKey}\nAddress = 10.9.0.2/32, fd00:9::2/128\n`;
const PEER = `[Peer]\nPublicKey = ${FAR.publicKey}\nAllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = vpn.example:51820\n`;

function complaint(text: string): string {
  try {
    WgFile.parse("box.conf", text);
    return "none";
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

void test("what a provider's file says", (t) => {
  const preshared = OTHER.privateKey;
  const file = WgFile.parse(
    "box.conf",
    `# Provider\n${HEAD}DNS = 10.64.0.1, lan.example\nMTU = 1380\nPostUp = iptables -A x\r\n\n${PEER}PresharedKey = ${preshared}\nPersistentKeepalive = 25\n`,
  );
  t.same(file.addresses, ["10.9.0.2/32", "fd00:9::2/128"]);
  t.same(file.dns, ["10.64.0.1"], "search domains are nobody's server");
  t.equal(file.mtu, 1380);
  t.same(file.ignored, ["PostUp"]);
  t.same(file.peers, [
    {
      name: "0-0-0-0",
      publicKey: FAR.publicKey,
      allowedIps: ["0.0.0.0/0", "::/0"],
      endpoint: { host: "vpn.example", port: 51820 },
    },
  ]);
  const endpoints = new Map([[FAR.publicKey, "192.0.2.7:51820"]]);
  t.equal(
    file.stripped(endpoints, false),
    `[Interface]\nPrivateKey = ${OWN.privateKey}\n[Peer]\nPublicKey = ${FAR.publicKey}\nAllowedIPs = 0.0.0.0/0, ::/0\nPresharedKey = ${preshared}\nEndpoint = 192.0.2.7:51820\n`,
    "what wg takes, without what only wg-quick knows",
  );
  t.match(file.stripped(new Map(), true), /PersistentKeepalive = 25\n$/);
  t.notMatch(JSON.stringify(file), OWN.privateKey, "keys are in `stripped` alone");
  t.end();
});

void test("peers have names", (t) => {
  const named = WgFile.parse(
    "gw.conf",
    `${HEAD}[Peer] # Kitchen\nPublicKey = ${FAR.publicKey}\nAllowedIPs = 10.9.0.3/32\n`,
  );
  t.equal(named.peers[0]?.name, "kitchen");
  const unnamed = WgFile.parse("gw.conf", `${HEAD}[Peer]\nPublicKey = ${FAR.publicKey}\nAllowedIPs = fd00:9::3/128\n`);
  t.equal(unnamed.peers[0]?.name, "fd00-9-3");
  t.match(standInMac(FAR.publicKey), /^02(:[0-9a-f]{2}){5}$/);
  t.not(standInMac(FAR.publicKey), standInMac(OTHER.publicKey));
  t.end();
});

const BAD: readonly (readonly [string, string, string])[] = [
  ["nothing", "", "box.conf has no [Interface]: it holds the private key and the addresses"],
  ["no peer", HEAD, "box.conf has no [Peer]: there is nobody at the other end"],
  ["no private key", `[Interface]\nAddress = 10.9.0.2/32\n${PEER}`, "box.conf:1 [Interface] has no PrivateKey"],
  ["no public key", `${HEAD}[Peer]\nAllowedIPs = 0.0.0.0/0\n`, "box.conf:4 [Peer] has no PublicKey"],
  [
    "a key that is none",
    HEAD.replace(OWN.privateKey, "c2VjcmV0") + PEER,
    "box.conf:2 PrivateKey is not a key: expected 32 bytes in base64, 44 characters, as wg genkey and wg pubkey print them",
  ],
  [
    "a key cut by one letter",
    HEAD + PEER.replace(FAR.publicKey, FAR.publicKey.slice(1)),
    "box.conf:5 PublicKey is not a key: expected 32 bytes in base64, 44 characters, as wg genkey and wg pubkey print them",
  ],
  ["a key of another world", `${HEAD}Colour = red\n${PEER}`, "box.conf:4 WireGuard knows no Colour in [Interface]"],
  ["a line that is none", `${HEAD}oops\n${PEER}`, "box.conf:4 expected [Interface], [Peer] or Key = value"],
  ["a key before all", `MTU = 1400\n${HEAD}${PEER}`, "box.conf:1 MTU stands before [Interface]"],
  ["a second interface", `${HEAD}${HEAD}${PEER}`, "box.conf:4 a second [Interface]; a file has one"],
  ["an MTU", `${HEAD}MTU = 9000\n${PEER}`, 'box.conf:4 MTU: expected 576 to 1500, got "9000"'],
  [
    "an address",
    HEAD.replace("10.9.0.2/32", "10.9.0.256") + PEER,
    'box.conf:3 Address: "10.9.0.256" is no address such as 10.9.0.2/32 or fd00::2/128',
  ],
  [
    "an endpoint without a port",
    HEAD + PEER.replace(":51820", ""),
    "box.conf:7 Endpoint: expected a name or address with a port, such as 192.0.2.1:51820 or [2001:db8::1]:51820",
  ],
  [
    "two boxes with one key",
    `${HEAD}${PEER}${PEER}`,
    "box.conf:8 this [Peer] has the PublicKey of the one in line 4: two boxes with one key take each other's packets; make each its own (wg genkey)",
  ],
];

void test("bad files, by line, without a word of a key", (t) => {
  for (const [what, text, expected] of BAD) t.equal(complaint(text), expected, what);
  for (const [, text] of BAD) t.notMatch(complaint(text), OWN.privateKey);
  t.throws(() => WgFile.read("/nowhere/box.conf"), { code: "config-unreadable" });
  t.end();
});
