// Line charts by uPlot in the page's look: decades only on logarithmic axes, lines labelled at
// their ends, k and the horizon as thin verticals, zoom that survives new points.

import { number, power } from "./format.js";

const LABELS = 110; // px on the right for the labels of lines
const PALETTE = ["--blue", "--amber", "--green", "--red"];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const charts = new Set();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach((chart) => chart.rebuild()));
new ResizeObserver(() => charts.forEach((chart) => chart.resize())).observe(document.documentElement);

// A chart in `element`.
//   x, y      {label, log, limit?: largest size of y that the axis reaches}
//   lines     [{label, colour?: "--blue", dash?, width?, faint?, points?}], one for each array of y
//   verticals [{at, label}], horizontals [{at, label}]
//   sync      name of charts whose cursors move together
//   band      [lower, upper]: indices of two lines, with the space between them filled
export class Chart {
  constructor(element, options) {
    this.element = element;
    this.options = options;
    this.data = null;
    this.plot = null;
    this.isZoomed = false;
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", `${options.y.label} over ${options.x.label}`);
    this.readout = document.createElement("output");
    charts.add(this);
  }

  // Shows [x, y1, y2, ...]; null is a gap. A zoom is kept.
  show(data, lines = this.options.lines) {
    const isSame = this.plot && lines.length === this.options.lines.length
      && lines.every((line, index) => line.label === this.options.lines[index].label);
    this.options.lines = lines;
    this.given = data; // with zeros, which a logarithmic axis can't show
    this.data = data.map((values, index) => (this.isLog(index === 0 ? "x" : "y") ? values.map(positive) : values));
    if (!isSame) return this.rebuild();
    const { x, y } = this.plot.scales;
    const zoom = { x: { min: x.min, max: x.max }, y: { min: y.min, max: y.max } };
    this.plot.setData(this.data, !this.isZoomed);
    if (this.isZoomed) this.plot.batch(() => { this.plot.setScale("x", zoom.x); this.plot.setScale("y", zoom.y); });
  }

  // Takes the chart away; its element may hold another.
  remove() {
    this.plot?.destroy();
    charts.delete(this);
  }

  isLog(axis) {
    return Boolean(this.options[axis]?.log);
  }

  // Makes one line thick, as its row is hovered; null makes all alike.
  emphasise(label) {
    if (this.emphasised === label || !this.plot) return;
    this.emphasised = label;
    this.plot.series.forEach((series, index) => {
      if (index > 0) series.width = (this.options.lines[index - 1].label === label ? 3 : 1.75) * devicePixelRatio;
    });
    this.plot.redraw(true);
  }

  rebuild() {
    if (this.data === null) return;
    this.plot?.destroy();
    this.element.replaceChildren(this.readout);
    const { lines, x, y, sync, band } = this.options;
    this.plot = new uPlot({
      width: this.element.clientWidth,
      height: this.options.height ?? 300,
      padding: [8, lines.length > 12 ? 12 : LABELS, 0, 0],
      legend: { show: false },
      cursor: {
        sync: sync ? { key: sync, setSeries: false } : undefined,
        drag: { x: true, y: true, uni: 20 },
        points: { show: false },
      },
      scales: {
        x: { time: false, distr: x.log ? 3 : 1, range: (plot, low, high) => [low, high > low ? high : low + 1] },
        y: { distr: y.log ? 3 : 1, range: y.log ? decades : within(y.limit) },
      },
      axes: [axis(x, 42), axis(y, 64)],
      bands: band ? [{ series: [band[1] + 1, band[0] + 1], fill: colour("--blue") + "22" }] : undefined,
      focus: { alpha: 0.3 },
      series: [{}, ...lines.map((line, index) => ({
        label: line.label,
        stroke: () => colour(line.colour ?? PALETTE[index % PALETTE.length]) + (line.faint ? "66" : ""),
        width: line.width ?? (line.faint ? 1 : 1.75),
        dash: line.dash,
        points: { show: Boolean(line.points), size: 5, fill: () => colour("--paper") },
        spanGaps: false,
      }))],
      hooks: {
        draw: [(plot) => this.drawMarks(plot), (plot) => this.drawLabels(plot)],
        setCursor: [(plot) => this.writeReadout(plot)],
        setSelect: [() => { this.isZoomed = true; }],
        ready: [(plot) => plot.over.addEventListener("dblclick", () => { this.isZoomed = false; })],
      },
    }, this.data, this.element);
  }

  resize() {
    const width = this.element.clientWidth;
    if (this.plot && width && width !== this.plot.width) this.plot.setSize({ width, height: this.plot.height });
  }

  drawMarks(plot) {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour("--muted");
    ctx.lineWidth = ratio;
    ctx.setLineDash([]);
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    ctx.font = `italic ${13 * ratio}px STIX, serif`;
    for (const { at, label } of this.options.verticals ?? []) {
      const left = Math.round(plot.valToPos(at, "x", true)) + 0.5;
      if (!(left >= bbox.left && left <= bbox.left + bbox.width + ratio)) continue;
      line(ctx, left, bbox.top, left, bbox.top + bbox.height);
      const isAtEnd = left > bbox.left + bbox.width - 16 * ratio;
      ctx.textAlign = isAtEnd ? "right" : "left";
      ctx.fillText(label, left + (isAtEnd ? -4 : 4) * ratio, bbox.top + 12 * ratio);
    }
    ctx.textAlign = "left";
    ctx.setLineDash([4 * ratio, 3 * ratio]);
    ctx.font = `${11 * ratio}px Inter, sans-serif`;
    for (const { at, label } of this.options.horizontals ?? []) {
      const top = Math.round(plot.valToPos(at, "y", true)) + 0.5;
      if (!(top >= bbox.top && top <= bbox.top + bbox.height)) continue;
      line(ctx, bbox.left, top, bbox.left + bbox.width, top);
      ctx.fillText(label, bbox.left + 4 * ratio, top - 4 * ratio);
    }
    ctx.restore();
  }

  // Each line's label beside its last point, moved apart where they would touch.
  drawLabels(plot) {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    if (this.options.lines.length > 12) return;
    const ends = this.options.lines.map((given, index) => {
      const values = plot.data[index + 1];
      let at = values.length - 1;
      while (at >= 0 && (values[at] == null || plot.data[0][at] > plot.scales.x.max)) at -= 1;
      if (at < 0 || !given.label || given.silent) return null;
      const top = plot.valToPos(values[at], "y", true);
      return { label: given.label, stroke: plot.series[index + 1].stroke(), top: Math.min(Math.max(top, bbox.top), bbox.top + bbox.height) };
    }).filter(Boolean).sort((one, other) => one.top - other.top);
    const gap = 13 * ratio;
    ends.forEach((end, index) => { if (index > 0) end.top = Math.max(end.top, ends[index - 1].top + gap); });
    const over = ends.length ? ends[ends.length - 1].top - (bbox.top + bbox.height) : 0;
    if (over > 0) ends.forEach((end) => { end.top -= over; });
    ctx.save();
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    for (const end of ends) {
      ctx.font = `${end.label === this.emphasised ? 700 : 400} ${11 * ratio}px Inter, sans-serif`;
      ctx.fillStyle = end.stroke.slice(0, 7);
      ctx.fillText(end.label, bbox.left + bbox.width + 6 * ratio, end.top);
    }
    ctx.restore();
  }

  writeReadout(plot) {
    const at = plot.cursor.idx;
    if (at == null || plot.cursor.left < 0) {
      this.readout.textContent = "";
      return;
    }
    const shown = this.options.lines.map((given, index) => [given.label, this.given[index + 1][at]])
      .filter(([label, value]) => label && value != null).slice(0, 4);
    const parts = shown.map(([label, value]) => `${label} ${number(value)}`);
    const where = this.options.x.shown ? this.options.x.shown(this.given[0][at]) : number(this.given[0][at]);
    this.readout.textContent = [`${this.options.x.symbol ?? this.options.x.label} = ${where}`, ...parts].join("   ");
  }
}

function positive(value) {
  return value > 0 ? value : null;
}

function line(ctx, x0, y0, x1, y1) {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

// A range that diverged runs don't stretch.
function within(limit) {
  return limit > 0 ? (plot, low, high) => uPlot.rangeNum(Math.max(low, -limit), Math.min(high, limit), 0.1, true) : undefined;
}

const DIVERGED = 1e15; // uPlot draws no axis past seventeen digits

// The whole decades around the values, up to where a run has long diverged.
function decades(plot, low, high) {
  if (!(low > 0)) return [1e-3, 1];
  high = Math.min(high, DIVERGED);
  low = Math.min(low, high);
  const bottom = 10 ** Math.floor(Math.log10(low));
  const top = 10 ** Math.ceil(Math.log10(high));
  return [bottom, top > bottom ? top : 10 * bottom];
}

function axis({ label, log }, size) {
  return {
    label,
    size,
    labelSize: 20,
    labelFont: "12px Inter, sans-serif",
    font: "11px Inter, sans-serif",
    stroke: () => colour("--muted"),
    grid: { stroke: () => colour("--faint"), width: 1 },
    ticks: { show: false },
    ...(log && { splits: everyDecade, filter: (plot, splits) => splits, values: (plot, splits) => splits.map(decadeOrNumber) }),
    ...(!log && { values: (plot, splits) => splits.map((value) => number(value)) }),
  };
}

function decadeOrNumber(value) {
  const exponent = Math.log10(value);
  return Math.abs(exponent - Math.round(exponent)) < 1e-9 ? power(Math.round(exponent)) : number(value);
}

// Decades, at most about eight of them.
function everyDecade(plot, index, low, high) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const every = Math.max(1, Math.ceil((last - first) / 8));
  if (last - first < 1) return [1, 2, 5].flatMap((digit) => [first - 1, first].map((exponent) => digit * 10 ** exponent))
    .filter((value) => value >= low && value <= high).sort((one, other) => one - other);
  const splits = [];
  for (let exponent = Math.ceil(first / every) * every; exponent <= last; exponent += every) splits.push(10 ** exponent);
  return splits;
}
