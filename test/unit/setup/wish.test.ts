import { test } from "tap";
import { knownCountries, checkCountry } from "../../../src/setup/regulatory.js";
import { Subnet } from "../../../src/setup/subnet.js";
import { checkPassword, checkSsid, deviceName, parseDevice, type Security } from "../../../src/setup/wish.js";
import { MachineTwin } from "../../support/machine-twin.js";

test("network names", (t) => {
  for (const good of ["a", "Küche 5 GHz", "x".repeat(32), "ü".repeat(16)]) t.equal(checkSsid(good), good);
  t.throws(() => checkSsid(""), /needs a name/);
  t.throws(() => checkSsid("ü".repeat(17)), { code: "usage", message: /has 34 bytes, and 32 fit/ });
  t.throws(() => checkSsid("a\nwpa=0"), /cannot be seen/);
  t.end();
});

test("passwords, which messages never repeat", (t) => {
  const key = "0123456789abcdef".repeat(4);
  const good: [string, Security][] = [
    ["12345678", "wpa2"],
    [" spaces and #signs ", "wpa3"],
    ["x".repeat(63), "transition"],
    [key, "wpa2"],
  ];
  for (const [password, security] of good) t.equal(checkPassword(password, security), password);
  const bad: [string, Security, RegExp][] = [
    ["", "wpa2", /has 0 characters: WPA wants 8/],
    ["1234567", "wpa2", /has 7 characters: WPA wants 8/],
    ["x".repeat(64), "wpa2", /has 64 characters: WPA takes 63/],
    ["pässword", "wpa2", /ASCII only/],
    ["pass\nword=1", "wpa2", /ASCII only/],
    [key, "wpa3", /WPA3 takes only a password/],
    [key, "transition", /WPA3 takes only a password/],
  ];
  for (const [password, security, message] of bad) {
    let said = "";
    try {
      checkPassword(password, security);
    } catch (error) {
      said = String(error);
    }
    t.match(said, message);
    if (password.length >= 7) t.notMatch(said, password);
  }
  t.end();
});

test("countries are those that the kernel has rules of", (t) => {
  const known = knownCountries(new MachineTwin(t).host);
  t.same([...(known ?? [])], ["00", "DE", "GB", "US"]);
  t.equal(checkCountry("de", known), "DE");
  t.throws(() => checkCountry("XX", known), { code: "usage", message: /"XX" is none .* such as DE, GB or US/ });
  t.throws(() => checkCountry("UK", known), /here GB/);
  t.throws(() => checkCountry("00", known), /is none/);
  t.throws(() => checkCountry("Germany", null), /is none/);
  t.equal(checkCountry("FR", null), "FR", "without the database the form decides");
  t.end();
});

test("devices", (t) => {
  const none: [] = [];
  t.same(parseDevice("kitchen=AA-BB-CC-00-11-22", none), { name: "kitchen", mac: "aa:bb:cc:00:11:22" });
  t.same(parseDevice("aa:bb:cc:00:11:22", [{ name: "speaker", mac: "" }]), {
    name: "speaker-2",
    mac: "aa:bb:cc:00:11:22",
  });
  t.equal(parseDevice("Living Room", none), null, "a name to look for");
  t.throws(() => parseDevice("kitchen=aa:bb", none), /no MAC address/);
  t.throws(() => parseDevice("Big Kitchen=aa:bb:cc:00:11:22", none), /no name for a device/);
  t.equal(deviceName("Oma's Küche (2)", none), "omas-kuche-2");
  t.equal(deviceName("音", none), "speaker");
  t.end();
});

test("networks", (t) => {
  const subnet = Subnet.parse("192.168.77.9/24");
  t.equal(String(subnet), "192.168.77.0/24");
  t.same([subnet?.host(1), subnet?.host(-2), subnet?.netmask], ["192.168.77.1", "192.168.77.254", "255.255.255.0"]);
  const overlaps = (a: string, b: string): boolean | undefined => {
    const other = Subnet.parse(b);
    return other === null ? undefined : Subnet.parse(a)?.overlaps(other);
  };
  t.equal(overlaps("192.168.77.0/24", "192.168.0.0/16"), true);
  t.equal(overlaps("192.168.77.0/24", "192.168.77.128/25"), true);
  t.equal(overlaps("192.168.77.0/24", "192.168.78.0/24"), false);
  t.equal(overlaps("255.255.255.0/24", "255.255.255.255"), true);
  for (const bad of ["192.168.77.0/33", "192.168.77/24", "::1/64", "x", "1.2.3.4/8/8"])
    t.equal(Subnet.parse(bad), null, bad);
  t.end();
});
