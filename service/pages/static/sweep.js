// One sweep: cells that show their curves beside the map, its keyboard, and its extension.

import { ask, call, say } from "./actions.js";
import { Chart } from "./charts.js";
import { aligned, drawable, read } from "./data.js";
import { refresh } from "./live.js";

const MOST = 12;  // experiments whose curves are drawn at once
const REST = 120; // ms that the pointer rests on a cell before its curves are read
const COLOURS = ["--blue", "--amber", "--green", "--red", "--violet", "--muted"];

const map = () => document.getElementById("map");
const cells = () => [...document.querySelectorAll(".map a")];
const place = (name) => document.querySelector(`[data-chart=${name}]`);

// A cell is named by panel, row and column, and described as "coordinates: what is known".
const at = (cell) => cell.id.split("-").slice(1).map(Number);
const labelOf = (cell) => cell.getAttribute("aria-label").split(": ")[0];
const idsOf = (cell) => cell.dataset.ids?.split(",") ?? [cell.getAttribute("href").split("/").pop()];

// ---- Which cells are brushed: those that were kept, or the one that is pointed at; before that,
// those with the least and the largest number.

let kept = new Set(); // ids of elements
let pointed = null;
let resting = null;

function brushed() {
  const ids = kept.size ? kept : new Set(pointed ? [pointed] : map()?.dataset.ends?.split(" "));
  return cells().filter((cell) => ids.has(cell.id));
}

function point(cell) {
  pointed = cell.id;
  document.querySelector("[data-reading]").textContent = cell.getAttribute("aria-label");
  clearTimeout(resting);
  if (kept.size === 0) resting = setTimeout(show, REST);
}

function keep(ids) {
  kept = new Set(ids);
  mark();
  show();
}

function mark() {
  for (const cell of cells()) cell.classList.toggle("brushed", kept.has(cell.id));
}

// One cell is reached by Tab, the others from it by arrow keys.
function rove() {
  const all = cells();
  const current = all.find((cell) => cell.id === pointed) ?? all[0];
  for (const cell of all) cell.setAttribute("tabindex", cell === current ? "0" : "-1");
}

// ---- Their curves.

const charts = {};
const answers = new Map();
let turn = 0;

const STEP = { label: "step + 1", symbol: "step", log: true, shown: (at) => Math.round(at - 1) };
const AXES = {
  loss: { x: STEP, y: { label: "training loss", log: true } },
  error: { x: STEP, y: { label: "extrapolation error", log: true } },
  lags: { x: { label: "lag j", symbol: "j" }, y: { label: "error by lag", log: true } },
};

async function show() {
  const chosen = brushed();
  const sides = chosen.flatMap((cell) => idsOf(cell).map((id) => ({ id, label: labelOf(cell), isEnded: cell.classList.contains("ended") })));
  const drawn = sides.slice(0, MOST);
  const words = document.querySelector("[data-brushed]");
  words.textContent = heading(chosen, sides.length);
  document.querySelector("[data-clear]").hidden = kept.size === 0;
  if (drawn.length === 0) return;
  const labels = apart(drawn.map((side) => side.label));
  const mine = ++turn;
  const ids = drawn.map((side) => side.id);
  const ended = drawn.filter((side) => side.isEnded).map((side) => side.id);
  const [series, responses] = await Promise.all([readSeries(ids), readResponses(ended)]);
  if (mine !== turn) return; // another cell was pointed at meanwhile
  const items = drawn.map((side) => ({ ...side, ...series.get(side.id) }));
  const lineOf = (side, index) => ({ label: labels[index], colour: COLOURS[index % COLOURS.length] });
  for (const [name, metric] of [["loss", "train_loss"], ["error", "extrapolation_error"]]) {
    draw(name, items.map((side, index) => ({
      ...lineOf(side, index), x: (side.step ?? []).map((step) => step + 1), y: side.metrics?.[metric].median ?? [],
    })));
  }
  draw("lags", drawn.map((side, index) => ({ ...lineOf(side, index), ...responses.get(side.id) })), responses.lengths);
}

function heading(chosen, count) {
  if (chosen.length === 0) return "the cell you point at";
  if (chosen.length === 1) return labelOf(chosen[0]);
  if (kept.size === 0) return "the least and the largest";
  return `${chosen.length} cells` + (count > MOST ? `, the first ${MOST} of ${count} experiments` : "");
}

// The labels without what they have in common, which the heading or the axes say.
function apart(labels) {
  const parts = labels.map((label) => label.split(", "));
  return parts.map((each) => each.filter((part) => !parts.every((other) => other.includes(part))).join(", "));
}

async function readSeries(ids) {
  const found = new Map();
  const answer = await once(`/v1/series?ids=${ids.join(",")}&over=seeds&max_points=80&limit=${MOST}`);
  for (const item of answer?.items ?? []) found.set(item.experiment, item);
  return found;
}

// Medians of |h_j - ĥ_j| over seeds, by experiment.
async function readResponses(ids) {
  const found = new Map();
  found.lengths = [];
  if (ids.length === 0) return found;
  if (ids.length === 1) {
    const data = await once(`/v1/experiments/${ids[0]}/figures/response.json`);
    if (data) {
      const x = data.errors[0]?.x ?? data.errors[0]?.y.map((_, lag) => lag) ?? [];
      found.set(ids[0], { x, y: medians(data.errors.map((error) => error.y.map(drawable))) });
      found.lengths = [data.length];
    }
    return found;
  }
  const data = await once(`/v1/compare/figures/response.json?ids=${ids.join(",")}`);
  data?.sides.forEach((side, index) => found.set(ids[index], { x: side.below.x, y: side.below.median }));
  found.lengths = [...new Set(data?.sides.map((side) => side.length))];
  return found;
}

function medians(curves) {
  return (curves[0] ?? []).map((_, lag) => {
    const known = curves.map((curve) => curve[lag]).filter((one) => one !== null).sort((one, other) => one - other);
    return known.length ? (known[Math.floor((known.length - 1) / 2)] + known[Math.ceil((known.length - 1) / 2)]) / 2 : null;
  });
}

// An address is read once, until the experiments change.
function once(url) {
  if (!answers.has(url)) answers.set(url, read(url));
  return answers.get(url);
}

function draw(name, curves, lengths = []) {
  const drawn = curves.filter((curve) => curve.x?.some((_, index) => drawable(curve.y[index]) !== null));
  place(name).hidden = drawn.length === 0;
  if (drawn.length === 0) return;
  const lines = drawn.map(({ label, colour }) => ({ label, colour }));
  const verticals = lengths.length <= 3 ? lengths.map((length) => ({ at: length, label: lengths.length > 1 ? `k = ${length}` : "k" })) : [];
  charts[name] ??= new Chart(place(name), { ...AXES[name], lines, verticals, height: 210 });
  charts[name].options.verticals = verticals;
  charts[name].show(aligned(drawn), lines);
}

// ---- Pointer: rest on a cell, or drag over several.

let start = null;
let isDrag = false;

document.addEventListener("pointerover", (event) => {
  const cell = event.target.closest?.(".map a");
  if (!cell) return;
  if (start && start.id !== cell.id) {
    isDrag = true;
    kept = new Set(between(start, cell));
    mark();
  }
  point(cell);
});
document.addEventListener("pointerdown", (event) => {
  start = event.pointerType === "mouse" && event.button === 0 ? event.target.closest(".map a") : null;
  isDrag = false;
});
document.addEventListener("pointerup", () => {
  if (isDrag) keep(kept);
  start = null;
});
document.addEventListener("dragstart", (event) => { if (event.target.closest?.("#map")) event.preventDefault(); });
document.addEventListener("click", (event) => {
  if (isDrag && event.target.closest("#map")) event.preventDefault();
  isDrag = false;
  if (event.target.closest("[data-clear]")) keep([]);
}, true);

function between(one, other) {
  const [panel, row, column] = at(one);
  const [, otherRow, otherColumn] = at(other);
  const isIn = (value, a, b) => value >= Math.min(a, b) && value <= Math.max(a, b);
  return cells().filter((cell) => {
    const [p, r, c] = at(cell);
    return p === panel && isIn(r, row, otherRow) && isIn(c, column, otherColumn);
  }).map((cell) => cell.id);
}

// ---- Keyboard: arrows move, x keeps, Escape lets go.

const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 0], ArrowDown: [-1, 0] };

document.addEventListener("focusin", (event) => {
  const cell = event.target.closest(".map a");
  if (cell) point(cell);
});
document.addEventListener("keydown", (event) => {
  const cell = event.target.closest?.(".map a");
  if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "x") keep(kept.has(cell.id) ? [...kept].filter((id) => id !== cell.id) : [...kept, cell.id]);
  else if (event.key === "Escape") keep([]);
  else if (MOVES[event.key]) move(cell, MOVES[event.key]);
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

// To the next cell that way, past places without an experiment.
function move(cell, [up, right]) {
  const [panel, row, column] = at(cell);
  const ahead = cells().filter((other) => {
    const [p, r, c] = at(other);
    return p === panel && (up ? c === column && (r - row) * up > 0 : r === row && (c - column) * right > 0);
  });
  const far = (other) => Math.abs(at(other)[1] - row) + Math.abs(at(other)[2] - column);
  const next = ahead.sort((one, other) => far(one) - far(other))[0];
  if (!next) return;
  next.setAttribute("tabindex", "0");
  cell.setAttribute("tabindex", "-1");
  next.focus();
}

// ---- Live: the map is morphed; what is brushed stays so, with what is new.

function renew() {
  if (!map()) return;
  mark();
  rove();
}
document.addEventListener("lab:state", () => answers.clear());
document.addEventListener("lab:refreshed", () => {
  renew();
  if (brushed().length && answers.size === 0) show();
});
let isReading = false;
document.addEventListener("lab:progress", async (event) => {
  if (isReading || !brushed().some((cell) => idsOf(cell).includes(event.detail.id))) return;
  isReading = true;
  answers.clear();
  await show();
  isReading = false;
});
renew();
if (brushed().length) show();

// ---- Pickers show their choice at once. An axis that is picked for a second place swaps them.

document.addEventListener("change", (event) => {
  const picked = event.target;
  const form = picked.closest("[data-pickers]");
  if (!form) return;
  const places = ["x", "series", "facets"].map((name) => form.elements[name]);
  const other = places.find((each) => each && each !== picked && each.value === picked.value);
  if (places.includes(picked) && other && picked.value !== "none") {
    const before = [...picked.options].find((option) => option.defaultSelected) ?? picked.options[0];
    other.value = before.value;
  }
  location.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
});

// ---- Extension: an axis gets more values, or a new one is added.

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-extend]");
  if (!form || event.target.name !== "kind") return;
  const isListed = event.target.value === "values";
  form.querySelector("[data-for=values]").hidden = !isListed;
  form.querySelector("[data-for=spaced]").hidden = isListed;
});
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-extend]");
  if (!form) return;
  event.preventDefault();
  const axes = extended(form);
  if (axes === null) return;
  const stored = await call("GET", form.dataset.extend);
  if (stored === null) return;
  const planned = await call("POST", "/v1/sweeps?dry_run=true", { name: stored.name, base: stored.base, axes });
  if (planned === null) return;
  const news = planned.created === 1 ? "1 experiment" : `${planned.created} experiments`;
  if (planned.created > 0 && !(await ask(`Queue ${news}? The axes have ${planned.count} points, of which ${planned.reused} exist.`))) return;
  const answer = await call("POST", `${form.dataset.extend}:extend`, { axes });
  if (answer === null) return;
  say([planned.created > 0 ? `${news} queued.` : "Nothing was missing."]);
  refresh();
});

// The sweep's axes with the form's values on the form's axis; null, and a word, if there are none.
function extended(form) {
  const { path, kind, values, low, high, count } = Object.fromEntries(new FormData(form));
  const present = JSON.parse(form.dataset.values)[path] ?? [];
  const isWhole = present.length > 0 && present.every(Number.isInteger);
  const given = kind === "values" ? listed(values) : spaced(kind, Number(low), Number(high), Number(count), isWhole);
  if (given.length === 0) {
    say([kind === "values" ? "Give at least one value." : "Give two ends and a count; for equal factors, positive ends."], true);
    return null;
  }
  const axes = JSON.parse(form.dataset.axes);
  const axis = axes.findIndex((each) => each.path === path);
  const known = new Set(present.map((value) => JSON.stringify(value)));
  const all = [...present, ...given.filter((value) => !known.has(JSON.stringify(value)))];
  if (all.every((value) => typeof value === "number")) all.sort((one, other) => one - other);
  const changed = { path, kind: "list", values: all };
  return axis === -1 ? [...axes, changed] : axes.with(axis, changed);
}

function listed(text) {
  return text.split(/[\s,]+/).filter(Boolean).map((word) => {
    try {
      return JSON.parse(word);
    } catch {
      return word;
    }
  });
}

function spaced(kind, low, high, count, isWhole) {
  const isLog = kind === "logspace";
  if (!(count >= 1) || !Number.isFinite(low) || !Number.isFinite(high) || (isLog && !(low > 0 && high > 0))) return [];
  const made = Array.from({ length: Math.round(count) }, (_, index) => {
    const share = count > 1 ? index / (count - 1) : 0;
    const value = isLog ? low * (high / low) ** share : low + (high - low) * share;
    return isWhole ? Math.round(value) : Number(value.toPrecision(12));
  });
  return [...new Set(made)];
}
