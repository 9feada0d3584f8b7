import { test } from "tap";
import { parseCountry, parseInterfaces, parsePhys, parseStations } from "../../../src/setup/iw-phy.js";
import { FULL_PHY, SOFT_PHY, STATION_PHY } from "../../support/machine-twin.js";

test("reads what a card can do", (t) => {
  const [soft] = parsePhys(SOFT_PHY);
  t.match(soft, { name: "phy0", accessPoint: true, authenticates: true, protectsManagement: true });
  t.match(soft?.bands, [
    { ht: 0x107e, vht: null },
    { ht: 0x107e, vht: 0x339071b2 },
  ]);
  t.same(soft?.bands[0]?.channels.at(-1), { number: 14, mhz: 2484, disabled: true, listenOnly: false, radar: false });
  t.same(
    soft?.bands[1]?.channels.slice(3).map(({ number, listenOnly, radar }) => [number, listenOnly, radar]),
    [
      [48, false, false],
      [52, true, true],
      [165, true, false],
    ],
  );
  t.end();
});

test("tells a card whose firmware keeps authentication, in the form of iw 6", (t) => {
  const [full] = parsePhys(FULL_PHY);
  t.match(full, { accessPoint: true, authenticates: false, protectsManagement: false });
  t.same(
    full?.bands[0]?.channels.map(({ mhz }) => mhz),
    [2412, 2437],
  );
  t.end();
});

test("AP among other words is no access point", (t) => {
  t.equal(parsePhys(STATION_PHY)[0]?.accessPoint, false, "AP/VLAN and combinations do not count");
  t.end();
});

test("reads several cards", (t) => {
  const text = SOFT_PHY + STATION_PHY.replace("phy0", "phy1");
  t.same(
    parsePhys(text).map(({ name, accessPoint }) => [name, accessPoint]),
    [
      ["phy0", true],
      ["phy1", false],
    ],
  );
  t.same(parsePhys(""), []);
  t.end();
});

test("reads interfaces", (t) => {
  const text = `phy#1
	Unnamed/non-netdev interface
		wdev 0x100000002
		addr 12:00:00:00:00:01
		type P2P-device
	Interface wlan1
		ifindex 4
		addr 02:00:00:00:01:00
		type AP
phy#0
	Interface wlan0
		addr 02:00:00:00:00:00
		ssid At home: 5
		type managed
		channel 36 (5180 MHz), width: 80 MHz, center1: 5210 MHz
`;
  t.same(parseInterfaces(text), [
    { name: "wlan1", phy: "phy1", mac: "02:00:00:00:01:00", type: "AP", ssid: null },
    { name: "wlan0", phy: "phy0", mac: "02:00:00:00:00:00", type: "managed", ssid: "At home: 5" },
  ]);
  t.end();
});

test("reads the country and stations", (t) => {
  t.equal(parseCountry("global\ncountry 00: DFS-UNSET\n\t(755 - 928 @ 2)\n\nphy#0\ncountry US: DFS-FCC\n"), "00");
  t.equal(parseCountry(""), null);
  const dump =
    "Station aa:bb:cc:00:00:01 (on wlan0)\n\tinactive time:\t10 ms\n\tsignal:  \t-41 [-42, -47] dBm\nStation aa:bb:cc:00:00:02 (on wlan0)\n";
  t.same(parseStations(dump), [
    { mac: "aa:bb:cc:00:00:01", signal: -41 },
    { mac: "aa:bb:cc:00:00:02", signal: null },
  ]);
  t.end();
});
