import { test } from "tap";
import { markupFault } from "../../../support/markup.js";

// What the other tests here lean on.
test("the check of markup finds what XML forbids", (t) => {
  t.equal(markupFault('<a b="1"><c/>x &amp; y &#8216;</a>'), null);
  t.equal(markupFault('<!doctype html>\n<html><head><meta charset="utf-8"></head></html>\n', true), null);
  for (const bad of [
    "<a>",
    "<a></b>",
    "<a/>x<b/>",
    "<a>&</a>",
    "<a>1 < 2</a>",
    '<a b="1" b="2"></a>',
    "<a b=1></a>",
    "<a b></a>",
    '<a b="&"></a>',
    "<a></a><b></b>",
    "",
  ])
    t.type(markupFault(bad), "string", bad);
  t.end();
});
