// Search, order and length of the ranking.

const known = JSON.parse(document.getElementById("regions").textContent);
const query = document.getElementById("query");
const matches = document.getElementById("matches");
const matched = document.getElementById("matched");
const found = document.getElementById("found");
const table = document.getElementById("places");
const all = document.getElementById("all");
const MOST = 8;
let chosen = null;

const plain = (text) => text.toLowerCase().normalize("NFKD").replace(/[\s'’.\-·]/g, "");
for (const region of known.regions) region.texts = [...region.name, region.code].map(plain);

// How well a region fits: whole, beginning, somewhere; the better places first among equals.
function fit(region, wanted) {
  const whole = region.texts.some((text) => text === wanted || text === wanted + "市" || text === wanted + "省");
  if (whole) return 0;
  if (region.texts.some((text) => text.startsWith(wanted))) return 1;
  return region.texts.some((text) => text.includes(wanted)) ? 2 : 3;
}

function look() {
  const wanted = plain(query.value.trim());
  matches.replaceChildren();
  matches.hidden = true;
  if (!wanted) {
    matched.textContent = "";
    return [];
  }
  const fits = known.regions.map((region) => [fit(region, wanted), region]).filter(([how]) => how < 3);
  fits.sort((one, other) => one[0] - other[0] || (one[1].rank || 1e9) - (other[1].rank || 1e9));
  const listed = fits.slice(0, MOST).map(([, region]) => region);
  for (const region of listed) {
    const button = make("button", { type: "button" }, ...both(region.name));
    if (region.level === "province") button.append(" ", make("span", { class: "quiet" }, region.code));
    button.addEventListener("click", () => choose(region));
    matches.append(make("li", {}, button));
  }
  matches.hidden = !listed.length;
  const word = listed.length ? known.words.found : known.words.found_none;
  const told = word[side()].replace("{n}", fits.length).replace("{name}", listed.length ? listed[0].name[side()] : "");
  matched.textContent = told;
  return listed;
}

function choose(region) {
  chosen = region;
  const head = make("h3", {}, ...both(region.name));
  const beside = region.parent ? [...both(region.parent), " · " + region.code] : [region.code];
  head.append(make("small", {}, ...beside));
  found.replaceChildren(head);
  if (region.none) found.append(make("p", {}, ...both(region.none)));
  if (region.facts) found.append(factList(region.facts));
  if (region.strip) found.append(intervalOf(region));
  if (region.shares) found.append(sharesOf(region));
  const row = document.getElementById("r-" + region.code);
  if (row) {
    const button = make("button", { type: "button", class: "to-row" }, ...both(known.words.show_row));
    button.addEventListener("click", () => showRow(row));
    found.append(make("p", {}, button));
  }
  found.hidden = false;
  matches.hidden = true;
  mark(row);
}

function factList(facts) {
  const list = make("dl", {});
  for (const [name, fact, beside] of facts) {
    const value = make("dd", {}, make("strong", {}, ...both(fact)));
    if (beside[0]) value.append(make("span", { class: "beside" }, ...both(beside)));
    list.append(make("div", {}, make("dt", {}, ...both(name)), value));
  }
  return list;
}

function intervalOf(region) {
  const [left, right, mean] = region.strip.map((place) => place + "%");
  const strip = make("svg", { class: "strip", width: "100%", height: 20, "aria-hidden": "true" });
  if (region.whole !== null) {
    strip.append(make("line", { class: "whole", x1: region.whole + "%", x2: region.whole + "%", y1: 0, y2: 20 }));
  }
  strip.append(make("line", { class: "span", x1: left, x2: right, y1: 10, y2: 10 }));
  strip.append(make("circle", { class: "dot", cx: mean, cy: 10, r: 5 }));
  const ends = make("div", { class: "ends" }, make("span", {}, region.ends[0]), make("span", {}, region.ends[1]));
  return make("div", {}, strip, ends);
}

function sharesOf(region) {
  const bar = make("svg", { class: "bands", width: "100%", height: 16, "aria-hidden": "true" });
  const told = make("p", { class: "legend" });
  region.shares.forEach(([name, left, width], place) => {
    bar.append(make("rect", { class: name, x: left + "%", width: width + "%", height: 16 }));
    const square = make("svg", { width: 12, height: 12, "aria-hidden": "true" });
    square.append(make("rect", { class: name, width: 12, height: 12, rx: 2 }));
    told.append(make("span", {}, square, ...both(known.bands[place]), ` ${width.toFixed(0)} %`));
  });
  return make("div", {}, bar, told);
}

function mark(row) {
  for (const other of document.querySelectorAll("tr.here")) other.classList.remove("here");
  if (row) row.classList.add("here");
}

function showRow(row) {
  if (row.hidden) lengthen(true);
  mark(row);
  row.scrollIntoView({ block: "center" });
  const head = row.querySelector("th");
  head.tabIndex = -1;
  head.focus({ preventScroll: true });
}

query.addEventListener("input", look);
document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const listed = look();
  if (listed.length) choose(listed[0]);
});
query.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  query.value = "";
  found.hidden = true;
  look();
});

// The table: its first rows or all of them, in the order of any column.
const body = table ? table.tBodies[0] : null;
const first = body ? [...body.rows].filter((row) => !row.hidden).length : 0;
let long = false;

function lengthen(wanted) {
  long = wanted;
  [...body.rows].forEach((row, place) => {
    row.hidden = !long && place >= first;
  });
  const words = known.words;
  if (all) {
    all.replaceChildren(...both(long ? words.show_top : words.show_all));
    all.setAttribute("aria-expanded", String(long));
  }
  document.getElementById("shown").replaceChildren(...both(long ? words.all_caption : words.top_caption));
}

function valueOf(row, key) {
  const cell = { 1: 1, 2: 2 }[key];
  if (key === "0") return Number(row.dataset.rank);
  if (cell === undefined) return Number(row.dataset[key]);
  const spoken = row.cells[cell].querySelector(side() === 0 ? ".en" : ".zh");
  return (spoken || row.cells[cell]).textContent;
}

function order(button) {
  const head = button.closest("th");
  const key = button.dataset.sort;
  // Means and counts are asked for from the top.
  const before = head.getAttribute("aria-sort");
  const falls = before ? before === "ascending" : key === "mean" || key === "n";
  for (const other of table.querySelectorAll("thead th")) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", falls ? "descending" : "ascending");
  const compare = new Intl.Collator(root.lang).compare;
  const rows = [...body.rows].map((row) => [valueOf(row, key), Number(row.dataset.rank), row]);
  rows.sort(([one, place], [other, next]) => {
    const way = typeof one === "string" ? compare(one, other) : one - other;
    return (falls ? -way : way) || place - next;
  });
  body.append(...rows.map(([, , row]) => row));
  table.classList.toggle("by-rank", key === "0" && !falls);
  lengthen(long);
}

if (table) {
  table.classList.add("by-rank");
  for (const button of table.querySelectorAll("thead button")) button.addEventListener("click", () => order(button));
}
if (all) all.addEventListener("click", () => lengthen(!long));
document.addEventListener("spoken", () => {
  if (query.value) look();
  if (chosen && !found.hidden) matches.hidden = true;
});
