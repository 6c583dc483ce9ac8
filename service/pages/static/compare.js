// Experiments over each other: medians with quartiles, in the colours of their rows.

import { Chart } from "./charts.js";
import { aligned, drawable, read } from "./data.js";

const COLOURS = ["--blue", "--amber", "--green", "--red", "--violet", "--muted"];
const place = (name) => document.querySelector(`[data-chart=${name}]`);
const table = () => document.querySelector("[data-compared]");
let charts = {};

const FIGURES = {
  loss: ["training", "above", { x: { label: "step + 1", symbol: "step", log: true, shown: (at) => Math.round(at - 1) }, y: { label: "training loss", log: true } }],
  error: ["training", "below", { x: { label: "step + 1", symbol: "step", log: true, shown: (at) => Math.round(at - 1) }, y: { label: "extrapolation error", log: true } }],
  response: ["response", "above", { x: { label: "lag j", symbol: "j" }, y: { label: "response" } }],
  "error-by-lag": ["response", "below", { x: { label: "lag j", symbol: "j" }, y: { label: "error by lag", log: true } }],
};

async function load() {
  const ids = table().dataset.compared;
  const names = ["training", "response"];
  const data = await Promise.all(names.map((name) => read(`/v1/compare/figures/${name}.json?ids=${ids}`)));
  const found = Object.fromEntries(names.map((name, index) => [name, data[index]]));
  for (const [name, [figure, part, axes]] of Object.entries(FIGURES)) {
    if (found[figure]) draw(name, part, axes, found[figure]);
    else place(name).textContent = "There is nothing to show yet.";
  }
}

function draw(name, part, axes, { sides, x }) {
  const isTime = part && x === "time";
  const shift = name === "loss" || name === "error" ? (at) => (isTime ? drawable(at) : drawable(at) + 1) : drawable;
  const kept = sides.filter((side) => side[part].x.length > 0);
  const lines = kept.map((side) => ({ label: String(sides.indexOf(side) + 1), colour: COLOURS[sides.indexOf(side) % COLOURS.length] }));
  const curves = kept.map((side) => ({ x: side[part].x.map(shift), y: side[part].median }));
  const teachers = new Map(kept.map(({ reference }) => [JSON.stringify(reference.y), reference]));
  if (name === "response" && teachers.size === 1 && kept[0].reference.y.length) { // one that all learned
    lines.push({ label: "teacher", colour: "--ink", dash: [4, 3] });
    curves.push(kept[0].reference);
  }
  const lengths = [...new Set(kept.map((side) => side.length))];
  const isLag = figureOf(name) === "response";
  const options = {
    ...axes,
    ...(isTime && !isLag && { x: { label: "training time", symbol: "time", log: true } }),
    verticals: isLag && lengths.length <= 3 ? lengths.map((at) => ({ at, label: lengths.length > 1 ? `k = ${at}` : "k" })) : [],
    sync: figureOf(name),
    height: 260,
    lines,
  };
  charts[name] ??= new Chart(place(name), options);
  charts[name].show(aligned(curves), lines);
}

const figureOf = (name) => FIGURES[name][0];

document.addEventListener("pointerover", (event) => {
  const row = event.target.closest?.("[data-label]");
  for (const chart of Object.values(charts)) chart.emphasise(row ? row.dataset.label : null);
});
document.addEventListener("lab:progress", load);
document.addEventListener("lab:refreshed", load);
load();
