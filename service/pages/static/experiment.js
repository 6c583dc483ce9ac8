// One experiment: its charts, drawn from the data of the same figures that can be downloaded.

import { call, say } from "./actions.js";
import { Chart } from "./charts.js";
import { aligned, drawable, read } from "./data.js";
import { refresh } from "./live.js";

const id = location.pathname.split("/").pop();
const path = `/v1/experiments/${id}`;
const chosen = (name) => document.querySelector(`[data-training=${name}]`);
const place = (name) => document.querySelector(`[data-chart=${name}]`);

const seedLines = (curves, all) => curves.map((curve) => ({
  label: all ? `seed ${curve.seed}` : "", colour: "--blue", faint: curves.length > 1, silent: curves.length > 4,
}));

// ---- Training, live while it runs.

class Training {
  constructor(element) {
    this.element = element;
    this.chart = null;
  }

  // Reads all points, thinned; while it trains, more() reads what is new.
  async load() {
    const metric = chosen("metric").value;
    const x = chosen("x").value;
    this.names = x === "time" ? `${metric},time` : metric;
    this.series = await read(`${path}/series?form=columns&names=${this.names}&max_points=400`);
    if (this.series) this.show(this.series, metric, x);
  }

  async more() {
    const { series } = this;
    if (!series?.step.length) return this.load();
    const since = series.step.at(-1);
    const fresh = await read(`${path}/series?form=columns&names=${this.names}&max_points=400&since_step=${since}`);
    if (!fresh || fresh.step.length === 0 || series !== this.series) return;
    series.step.push(...fresh.step);
    for (const [seed, columns] of Object.entries(series.seeds)) {
      for (const name of Object.keys(columns)) {
        columns[name].push(...(fresh.seeds[seed]?.[name] ?? fresh.step.map(() => null)));
      }
    }
    this.show(series, chosen("metric").value, chosen("x").value);
  }

  show(series, metric, x) {
    if (series.step.length === 0) {
      this.element.textContent = "Nothing is recorded yet.";
      return;
    }
    const seeds = Object.entries(series.seeds);
    const at = x === "time" && seeds.length ? seeds[0][1].time.map(drawable) : series.step.map((step) => step + 1);
    const values = seeds.map(([, columns]) => columns[metric].map(drawable));
    const label = x === "time" ? "training time" : "step + 1";
    const words = chosen("metric").selectedOptions[0].textContent;
    const all = chosen("seeds").checked;
    const median = medians(values);
    const shown = all ? values : [];
    const lines = [
      ...shown.map((_, index) => ({ label: values.length > 6 ? "" : `seed ${seeds[index][0]}`, colour: "--blue", faint: true })),
      ...(values.length > 1 ? [{ label: "median", colour: "--blue", width: 2 }] : []),
    ];
    if (!this.chart || this.key !== `${metric} ${x}`) {
      this.key = `${metric} ${x}`;
      this.element.replaceChildren();
      this.chart?.remove();
      this.chart = new Chart(this.element, {
        x: { label, log: true, symbol: x === "time" ? "time" : "step", shown: x === "time" ? undefined : (at) => Math.round(at - 1) },
        y: { label: words, log: true },
        lines,
      });
    }
    this.chart.show([at, ...shown, ...(values.length > 1 ? [median] : [])], lines);
  }
}

function medians(columns) {
  if (columns.length === 0) return [];
  return columns[0].map((_, row) => {
    const known = columns.map((column) => column[row]).filter((one) => one !== null).sort((one, other) => one - other);
    if (known.length === 0) return null;
    const middle = (known.length - 1) / 2;
    return (known[Math.floor(middle)] + known[Math.ceil(middle)]) / 2;
  });
}

const training = new Training(place("training"));
for (const name of ["metric", "x", "seeds"]) chosen(name).addEventListener("change", () => training.load());
let waiting = false;
document.addEventListener("lab:progress", async (event) => {
  if (event.detail.id !== id || waiting) return;
  waiting = true;
  try {
    await Promise.all([training.more(), readLog()]);
  } finally {
    waiting = false;
  }
});

// ---- What a completed experiment has besides.

async function drawResult() {
  if (!place("response")) return;
  const [, spectrum] = await Promise.all([loadResponse(), read(`${path}/figures/spectrum.json`)]);
  if (spectrum) drawSpectrum(spectrum);
}

// The response of one output to one input: at first the largest.
async function loadResponse(channel = "") {
  const response = await read(`${path}/figures/response.json${channel}`);
  if (response) drawResponse(response);
}

const channels = () => [...document.querySelectorAll("[data-channel]")];
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-channel]")) return;
  loadResponse(`?${channels().map((select) => `${select.name}=${select.value}`).join("&")}`);
});

const shown = {};

function drawResponse({ teacher, students, errors, length, entry }) {
  channels().forEach((select, index) => { select.value = entry[index] + 1; });
  const limit = 1000 * Math.max(...teacher.map((value) => Math.abs(drawable(value))));
  const lags = teacher.map((_, lag) => lag);
  const verticals = [{ at: length, label: "k" }, { at: lags.length - 1, label: "q" }];
  const x = { label: "lag j", symbol: "j" };
  shown.response?.remove();
  shown.response = new Chart(place("response"), {
    x, y: { label: "response", limit }, verticals, sync: "lag", height: 240,
    lines: [...seedLines(students, students.length <= 4), { label: "teacher", colour: "--ink", dash: [4, 3] }],
  });
  shown.response.show([lags, ...students.map((student) => student.y.map(drawable)), teacher.map(drawable)]);
  shown.errors?.remove();
  shown.errors = new Chart(place("errors"), {
    x, y: { label: "error by lag", log: true }, verticals, sync: "lag", height: 240,
    lines: [...seedLines(errors, errors.length <= 4), { label: "answering zero", colour: "--muted", dash: [4, 3] }],
  });
  shown.errors.show([lags, ...errors.map((error) => error.y.map(drawable)), teacher.map((given) => Math.abs(drawable(given)))]);
}

function drawSpectrum({ eigenvalues, hankel, teacher_eigenvalues, teacher_hankel }) {
  draw("eigenvalues", "|λ| of A", eigenvalues, teacher_eigenvalues);
  draw("hankel", "Hankel singular values", hankel, teacher_hankel);

  function draw(name, label, curves, teacher) {
    const ranked = curves.filter((curve) => curve.x.length > 0);
    if (ranked.length === 0) return place(name).remove();
    const reference = { x: teacher.map((_, rank) => rank + 1), y: teacher };
    const all = teacher.length ? [...ranked, reference] : ranked;
    new Chart(place(name), {
      x: { label: "rank", symbol: "rank" }, y: { label, log: true }, height: 240,
      lines: [...seedLines(ranked, ranked.length <= 4).map((line) => ({ ...line, points: true })), ...(teacher.length ? [{ label: "teacher", colour: "--ink", dash: [4, 3], points: true }] : [])],
    }).show(aligned(all));
  }
}

training.load();
drawResult();
let drawn = Boolean(place("response"));
document.addEventListener("lab:refreshed", () => {
  if (!drawn && place("response")) {
    drawn = true;
    training.load();
    drawResult();
  }
});

// ---- The log: while it is open it follows, and stays at its end unless somebody scrolls up.

let isAtEnd = true;

async function readLog() {
  const log = document.getElementById("log");
  if (!log.closest("details").open) return;
  const found = await read(`${path}/log?limit=500`);
  const text = found?.items.at(-1)?.text;
  if (text && log.textContent !== text) log.textContent = text;
  toEnd();
}

function toEnd() {
  const log = document.getElementById("log");
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

document.addEventListener("scroll", ({ target }) => {
  if (target.id === "log") isAtEnd = target.scrollTop + target.clientHeight >= target.scrollHeight - 4;
}, true);
document.addEventListener("toggle", ({ target }) => { if (target.matches?.("details") && target.querySelector("#log")) toEnd(); }, true);
document.addEventListener("lab:refreshed", toEnd);
toEnd();

// ---- A large figure is fetched when somebody gets to it.

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    target.src = target.dataset.src;
  }
});
const watch = () => document.querySelectorAll("img[data-src]:not([src])").forEach((image) => seen.observe(image));
watch();
document.addEventListener("lab:refreshed", watch);

// ---- Name, tags and notes.

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-edit]");
  if (!form) return;
  event.preventDefault();
  const { name, tags, notes } = Object.fromEntries(new FormData(form));
  const changed = await call("PATCH", form.dataset.edit, { name, notes, tags: tags.split(/\s+/).filter(Boolean) });
  if (changed === null) return;
  say(["Saved."]);
  refresh();
});
