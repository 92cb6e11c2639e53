"use strict";
// Draws what the watch sends. Every value becomes a text node, never markup.

const token = new URLSearchParams(location.search).get("token");
const at = (path) => (token ? `${path}?token=${encodeURIComponent(token)}` : path);
const place = (id) => document.getElementById(id);
const number = (value, digits = 0) =>
  value === null || value === undefined ? "–" : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const SVG = "http://www.w3.org/2000/svg";
const BUDGET = 3; // seconds
let last = null;

function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function drawFigures(told) {
  const rows = [
    ["Version", number(told.version)],
    ["As of", told.as_of ?? "–"],
    ["Records", number(told.records)],
    ["Changed by the last refresh", number(told.changed)],
    ["Files taken", number(told.files.done ?? 0)],
    ["Files refused", number(told.files.failed ?? 0)],
    ["Files waiting", number(told.waiting)],
  ];
  place("figures").replaceChildren(...rows.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawLatencies(latencies) {
  const totals = latencies.map((one) => one.total);
  const most = Math.max(BUDGET, ...totals) * 1.1;
  const words = totals.length
    ? `${number(totals.length)} refreshes; the last took ${number(totals.at(-1), 3)} s, the slowest ${number(Math.max(...totals), 3)} s.`
    : "No refresh yet.";
  const chart = shape("svg", { viewBox: "0 0 340 110", role: "img", "aria-label": words });
  const wide = Math.min(20, 300 / Math.max(totals.length, 1));
  totals.forEach((total, index) => {
    const high = Math.max((total / most) * 100, 1);
    const bar = shape("rect", { class: "bar", x: 40 + index * wide, y: 105 - high, width: Math.max(wide * 0.8, 0.5), height: high });
    const stages = Object.entries(latencies[index].latency ?? {}).map(([name, seconds]) => `${name} ${number(seconds, 3)} s`);
    bar.append(shape("title", {}, `version ${latencies[index].version}: ${number(total, 3)} s (${stages.join(", ")})`));
    chart.append(bar);
  });
  const line = 105 - (BUDGET / most) * 100;
  chart.append(shape("line", { class: "rule", x1: 40, x2: 340, y1: line, y2: line }), shape("text", { x: 4, y: line + 4 }, `${BUDGET} s`));
  place("chart").replaceChildren(chart);
  place("latency-words").textContent = words;
}

function moveOf(by, row) {
  const found = last.moves.find((move) => move.by === by && move.code === row.code);
  if (!found) return element("td", "");
  const up = found.to < found.from;
  return element("td", `${up ? "▲" : "▼"} ${Math.abs(found.to - found.from)}`, up ? "up" : "down");
}

function drawRanking() {
  const by = place("by").value;
  const ranking = last.rankings[by];
  place("heading").textContent = ranking ? ranking.heading : "";
  const rows = (ranking ? ranking.rows : []).map((row) => {
    const made = element("tr");
    made.append(element("td", number(row.rank)), element("td", row.name ?? row.code), element("td", number(row.mean, 2)), moveOf(by, row), element("td", number(row.n)));
    return made;
  });
  place("ranking").replaceChildren(...rows);
}

function drawChoices(names) {
  const chosen = place("by").value;
  if ([...place("by").options].map((one) => one.value).join() === names.join()) return;
  place("by").replaceChildren(...names.map((name) => new Option(name, name, false, name === chosen)));
}

function drawLists(told) {
  const moves = told.moves.map((move) =>
    element("li", `${move.name ?? move.code} (${move.by}): ${move.from} → ${move.to}`, move.to < move.from ? "up" : "down"));
  place("moves").replaceChildren(...(moves.length ? moves : [element("li", "none")]));
  const rings = told.rings.map((ring) => element("li", `Ring ${ring.group_id}: ${number(ring.size)} people, score ${number(ring.score, 2)}`));
  place("rings").replaceChildren(...(rings.length ? rings : [element("li", "none")]));
}

function draw(told) {
  last = told;
  drawFigures(told);
  drawLatencies(told.latencies);
  drawChoices(Object.keys(told.rankings));
  drawRanking();
  drawLists(told);
  if (told.version !== null) place("status").textContent = `Version ${told.version}, as of ${told.as_of ?? "no time"}; live.`;
}

place("by").addEventListener("change", drawRanking);
const events = new EventSource(at("events"));
events.addEventListener("message", (event) => draw(JSON.parse(event.data)));
events.addEventListener("error", () => { place("status").textContent = "The watch does not answer; trying again."; });
