// The style sheet of report.html.
#pragma once

#include <string_view>

namespace precis {

inline constexpr std::string_view kPageStyle = R"css(
:root { color-scheme: light dark; --page: #f6f6f3; --card: #fff; --ink: #1b1b19; --soft: #5d5c57;
  --faint: #8b8a84; --line: #e4e3de; --rule: #d0cfc9; --hover: rgba(27,27,25,.07);
  --c1: #2a78d6; --c2: #e0562b; --c3: #12946a; --warn: #a8480a; --mark: #cfe3fb; }
@media screen and (prefers-color-scheme: dark) {
  :root { --page: #141413; --card: #1d1d1b; --ink: #f3f2ee; --soft: #b9b8b1; --faint: #8b8a84;
    --line: #2f2f2c; --rule: #45443f; --hover: rgba(255,255,255,.09);
    --c1: #4a97ea; --c2: #e8704a; --c3: #25b585; --warn: #f0a45d; --mark: #1f436b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); -webkit-text-size-adjust: 100%;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
main { max-width: 1160px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 36px 0 12px; }
h4 { font-size: .75rem; margin: 0 0 6px; color: var(--faint); font-weight: 600;
  text-transform: uppercase; letter-spacing: .05em; }
.lead { margin: 0 0 20px; color: var(--soft); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 16px 18px; margin: 0; min-width: 0; }
.tiles { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); }
.tiles dt { color: var(--soft); font-size: .85rem; }
.tiles dd { margin: 0; }
.tiles dd.value { font-size: 1.7rem; line-height: 1.25; font-weight: 600; }
.tiles dd.more { color: var(--faint); font-size: .8rem; }
.charts { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); }
.unit { color: var(--faint); font-size: .85rem; margin-left: 4px; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 4px 0 0; padding: 0;
  color: var(--soft); font-size: .8rem; }
.key { display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin-right: 6px;
  vertical-align: middle; background: currentColor; }
.end .key { width: 8px; height: 8px; border-radius: 50%; margin-right: 4px; vertical-align: baseline; }
.key.s1 { background: var(--c1); } .key.s2 { background: var(--c2); } .key.s3 { background: var(--c3); }
.key.faint { opacity: .5; }
.plot { position: relative; height: 220px; margin: 16px 88px 26px 44px; }
.plot svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.plot path { fill: none; vector-effect: non-scaling-stroke; }
.grid { stroke: var(--line); stroke-width: 1px; }
.line { stroke-width: 2px; stroke-linejoin: round; stroke-linecap: round; }
.line.faint { stroke-width: 1px; opacity: .5; }
.dot { stroke-width: 8px; stroke-linecap: round; }
.dot:hover { stroke-width: 12px; }
.line.s1, .dot.s1 { stroke: var(--c1); } .line.s2, .dot.s2 { stroke: var(--c2); }
.line.s3, .dot.s3 { stroke: var(--c3); }
.band { fill: transparent; pointer-events: all; } .band:hover { fill: var(--hover); }
.plot span { position: absolute; font-size: .75rem; line-height: 1; white-space: nowrap;
  font-variant-numeric: tabular-nums; color: var(--faint); }
.plot .ytick { right: 100%; margin-right: 8px; transform: translateY(-50%); }
.plot .xtick { top: 100%; margin-top: 9px; transform: translateX(-50%); }
.plot .end { left: 100%; margin-left: 8px; transform: translateY(-50%); color: var(--soft); }
.end b { color: var(--ink); font-weight: 600; }
.note { margin: 0 0 2px; font-size: .8rem; color: var(--faint); } .warn { color: var(--warn); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: 7px 14px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--faint); font-size: .8rem; font-weight: 600; border-color: var(--rule); white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
tbody th { font-weight: 500; }
.facts th { color: var(--soft); width: 14em; font-weight: 400; }
.facts td { overflow-wrap: anywhere; padding-right: 0; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
td.n:last-child, th.n:last-child { padding-right: 0; }
.best { font-weight: 700; }
.sample { margin-bottom: 14px; }
.sample header { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 2px 16px; margin-bottom: 12px; }
.scores { display: flex; flex-wrap: wrap; gap: 2px 14px; color: var(--soft); font-size: .85rem;
  font-variant-numeric: tabular-nums; }
.columns { display: grid; gap: 14px 26px; grid-template-columns: 2fr 1.2fr 1.2fr; }
.columns section { min-width: 0; overflow-wrap: anywhere; }
.columns p { margin: 0 0 5px; white-space: pre-wrap; }
.dialogue { max-height: 320px; overflow-y: auto; font-size: .9rem; color: var(--soft); }
.dialogue b { color: var(--ink); font-weight: 600; }
u { text-decoration: none; background: var(--mark); border-radius: 3px; padding: 0 2px; margin: 0 -2px; }
details.card { margin-top: 16px; }
summary { cursor: pointer; font-weight: 600; }
pre { margin: 12px 0 0; font: .82rem/1.5 ui-monospace, "Liberation Mono", Menlo, monospace; overflow-x: auto; }
footer { margin-top: 36px; color: var(--faint); font-size: .8rem; }
@media (max-width: 720px) {
  main { padding: 20px 12px 36px; } h1 { font-size: 1.4rem; } .card { padding: 14px; }
  .tiles { grid-template-columns: 1fr 1fr; } .tiles dd.value { font-size: 1.35rem; }
  .plot { height: 200px; margin-left: 40px; margin-right: 82px; }
  .columns { grid-template-columns: 1fr; } .dialogue { max-height: 220px; }
  .facts th { width: 40%; } }
@media print {
  body { background: #fff; font-size: 11pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0; } .card { break-inside: avoid; }
  .charts { grid-template-columns: 1fr 1fr; } .dialogue { max-height: none; overflow: visible; }
  .sample { break-inside: auto; } h2 { break-after: avoid; } pre { white-space: pre-wrap; } }
)css";

}  // namespace precis
