/** The style sheet of the page; nothing is loaded from elsewhere. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --line: #d9dee5; --text: #1b2330; --soft: #5b6675;
  --ok: #1a7f37; --progress: #b26a00; --failed: #cf222e; --unknown: #747f8d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e131a; --card: #171e28; --line: #2c3644; --text: #e8edf4; --soft: #9aa7b8;
    --ok: #3fb950; --progress: #e3a326; --failed: #f8605a; --unknown: #8793a3;
  }
}
.ok { --state: var(--ok); } .progress { --state: var(--progress); } .failed { --state: var(--failed); } .unknown { --state: var(--unknown); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1268px; margin: 0 auto; padding: 32px 24px 48px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; margin-bottom: 24px; }
h1 { font-size: 24px; line-height: 1.25; margin: 0; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h1 span { color: var(--soft); font-weight: 400; }
h2 { font-size: 16px; margin: 32px 0 12px; }
header p { margin: 0; color: var(--soft); }
.verdict { color: var(--state); font-weight: 600; }
.verdict::before { content: ""; display: inline-block; width: 9px; height: 9px; border-radius: 50%; background: var(--state); margin-right: 8px; }
figure { margin: 0; }
.picture { display: block; width: 100%; height: auto; }
.picture.column { display: none; max-width: 460px; margin: 0 auto; }
.box { fill: var(--card); stroke: var(--line); stroke-width: 1; }
.edge { fill: none; stroke: var(--state); stroke-width: 3; stroke-linecap: round; }
.mark { fill: var(--state); }
.glyph { fill: none; stroke: var(--card); stroke-width: 2.2; stroke-linecap: round; stroke-linejoin: round; }
.title { fill: var(--text); font-size: 16px; font-weight: 600; }
.summary { fill: var(--soft); font-size: 13px; }
.shaft { stroke: var(--state); stroke-width: 2; fill: none; }
.head { fill: var(--state); }
.arrow.progress .shaft { stroke-dasharray: 4 3; animation: flow 0.7s linear infinite; }
@keyframes flow { to { stroke-dashoffset: -7; } }
@media (prefers-reduced-motion: reduce) { .arrow.progress .shaft { animation: none; } }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 14px 0 0; padding: 0; list-style: none; color: var(--soft); font-size: 13px; }
.legend li::before, .service::before { content: ""; display: inline-block; width: 9px; height: 9px; border-radius: 50%; background: var(--state); margin-right: 8px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; overflow: hidden; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; padding: 11px 16px; vertical-align: top; }
thead th { color: var(--soft); font-size: 13px; font-weight: 600; border-bottom: 1px solid var(--line); }
tbody tr + tr > * { border-top: 1px solid var(--line); }
tbody th { font-weight: 600; overflow-wrap: anywhere; }
td { font-variant-numeric: tabular-nums; }
code { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.none { color: var(--soft); }
.word { color: var(--state); }
.message { display: block; margin: 2px 0 0 17px; color: var(--soft); font-size: 13px; font-weight: 400; max-width: 46ch; overflow-wrap: anywhere; }
.problems { margin: 0; padding: 12px 16px 12px 34px; }
.problems li { overflow-wrap: anywhere; }
.empty { margin: 0; padding: 16px; color: var(--soft); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 820px) {
  main { padding: 24px 16px 40px; }
  .picture.row { display: none; }
  .picture.column { display: block; }
  .card:has(table) { background: none; border: 0; border-radius: 0; overflow: visible; }
  table, tbody, tr, tbody th, td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { display: grid; grid-template-columns: 1fr 1fr; column-gap: 16px; background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 10px 16px; }
  tbody tr + tr { margin-top: 12px; }
  tbody tr > *, tbody tr + tr > * { border: 0; padding: 3px 0; }
  tbody th { grid-column: 1 / -1; font-size: 16px; padding-bottom: 6px; }
  td::before { content: attr(data-label); display: block; color: var(--soft); font-size: 12px; line-height: 1.3; }
}
`;
