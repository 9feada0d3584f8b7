import { darkColours } from "./palette.js";

/** The style sheet of every page: light or dark as the reader has it, one column on a phone, no colour that prints badly. */
export const STYLE = `
:root{--ground:#fbfbfa;--card:#fff;--ink:#1d232b;--dim:#5d6672;--line:#d9dde3;--link:#0061a4;--bad:#b34700;--good:#00704f;--open:#5d6672;--heat-colour:#0072b2}
@media screen and (prefers-color-scheme:dark){
:root{--ground:#12161b;--card:#1a2027;--ink:#e7eaee;--dim:#a7b0bc;--line:#39414c;--link:#7cc4f5;--bad:#ff9a55;--good:#3fd0a4;--open:#a7b0bc;--heat-colour:#56b4e9}
${darkColours()}
}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;overflow-wrap:break-word}
header,main,footer{max-width:84rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.2rem}
h1{font-size:clamp(1.5rem,1.1rem + 1.8vw,2.3rem);line-height:1.15;margin:0 0 .6rem;letter-spacing:-.01em}
h2{font-size:1.4rem;line-height:1.25;margin:3rem 0 .5rem;padding-top:.9rem;border-top:2px solid var(--line)}
h3{font-size:1.1rem;margin:1.8rem 0 .5rem}
h4{font-size:1rem;margin:0}
p,ul,ol{margin:.5rem 0;max-width:46rem}
.lead{font-size:1.06rem;color:var(--ink)}
.dim,small,figcaption,footer{color:var(--dim)}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.4rem .8rem;z-index:1}
nav ul{list-style:none;padding:0;margin:1rem 0 0;display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;max-width:none}
code{font:.9em ui-monospace,"DejaVu Sans Mono",monospace}
.chip{display:inline-block;font-size:.78rem;font-weight:600;line-height:1.4;padding:.08rem .55rem;border:1px solid currentColor;border-radius:1rem;white-space:nowrap;vertical-align:.12em}
.chip.real{color:var(--good)}.chip.emulated{color:var(--dim);border-style:dashed}
.cards{list-style:none;padding:0;margin:1rem 0;max-width:none;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));gap:1rem}
.card{background:var(--card);border:1px solid var(--line);border-top:5px solid var(--open);border-radius:.5rem;padding:.9rem 1rem;break-inside:avoid;display:flex;flex-direction:column;gap:.35rem}
.card.bad{border-top-color:var(--bad)}.card.good{border-top-color:var(--good)}
.card p{margin:0}
.card .top{display:flex;justify-content:space-between;align-items:baseline;gap:.5rem;flex-wrap:wrap}
.card .state{font-weight:700;font-size:.9rem;color:var(--open)}
.card.bad .state{color:var(--bad)}.card.good .state{color:var(--good)}
.card .number{font-size:2.3rem;font-weight:700;line-height:1.1;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.card .number small{font-size:.85rem;font-weight:400;letter-spacing:0}
.card h3{margin:0}
.card .cost{margin-top:auto;padding-top:.4rem;border-top:1px solid var(--line);font-size:.87rem;color:var(--dim)}
.card .sentence{font-size:.94rem}
svg{display:block;width:100%;height:auto}
.strip{max-width:22rem}
.strip.bad .reading{color:var(--bad)}.strip.good .reading{color:var(--good)}.strip.open .reading{color:var(--ink)}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,23rem),1fr));gap:1rem;margin:1rem 0;align-items:start}
figure,.box{margin:0;background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.8rem;break-inside:avoid;min-width:0}
.box{max-width:44rem}
figure svg{max-width:36rem;margin:0 auto}
figcaption{font-size:.85rem;margin-top:.5rem}
details{margin-top:.4rem;min-width:0}
summary{cursor:pointer;font-size:.87rem;color:var(--link)}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.87rem;margin:.5rem 0;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--dim);font-size:.85rem;padding:.2rem 0}
th,td{padding:.28rem .6rem;text-align:right;border-bottom:1px solid var(--line);vertical-align:top}
th:first-child,td.text,th.text,.words td,.words th{text-align:left}
thead th{border-bottom:2px solid var(--line)}
th[scope=colgroup]{text-align:center;border-left:1px solid var(--line)}
.words td{min-width:9rem;max-width:26rem}
.heat{background:color-mix(in srgb,var(--heat-colour) calc(var(--heat,0) * 62%),transparent)}
.confusion{width:100%}.confusion th{text-align:center}.confusion th:first-child{text-align:left}.confusion td{text-align:center}.confusion td small{display:block;color:inherit}
.confusion td.right{outline:1.5px solid var(--dim);outline-offset:-1.5px}
.claims{width:100%;min-width:44rem}.claims th:nth-child(1){width:21%}.claims th:nth-child(2){width:25%}.claims th:nth-child(3){width:16%}
.holds{font-weight:700}.holds.differs{color:var(--bad)}.holds.agrees{color:var(--good)}
footer{padding-top:1.5rem;padding-bottom:3rem;font-size:.85rem}
@media (max-width:34rem){
header,main,footer{padding-left:.8rem;padding-right:.8rem}
figure{padding:.6rem .4rem}
figcaption,figure details{padding:0 .4rem}
}
@media print{
body{font-size:10.5pt;background:#fff}
nav,.skip,summary{display:none}
h2{break-after:avoid}
.grid{grid-template-columns:repeat(2,1fr)}
.cards{grid-template-columns:repeat(2,1fr)}
.heat,.card{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`;
