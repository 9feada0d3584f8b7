import { test } from "tap";
import { defensesSet } from "../../../src/main/defenses-set.js";

test("words become values of defenses", (t) => {
  t.same(defensesSet([]), {});
  t.same(defensesSet(["episode.always=true", "episode.up=33ms", "decoy.kinds=[tcp, udp]"]), {
    episode: { always: true, up: "33ms" },
    decoy: { kinds: ["tcp", "udp"] },
  });
  t.end();
});

test("what is none says what is expected", (t) => {
  for (const word of ["always=true", "episode.always", "epsode.always=true", ""])
    t.throws(() => defensesSet([word]), { code: "usage", message: /NAME\.KEY=VALUE with a name of .*episode/ }, word);
  t.throws(() => defensesSet(["episode.up=[1"]), { code: "usage", message: /cannot be read/ });
  t.end();
});
