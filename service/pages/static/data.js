// Data of figures and series, for charts.

import { at as addressOf } from "./address.js";

// The JSON at an address; null if there is none to show, such as of a figure that can't be drawn.
export async function read(url) {
  const answer = await fetch(addressOf(url), { headers: { Accept: "application/json" } });
  return answer.ok ? answer.json() : null;
}

// A number that a chart can show: "Infinity" and "NaN" are gaps.
export function drawable(given) {
  const known = given === null ? NaN : Number(given);
  return Number.isFinite(known) ? known : null;
}

// Curves with x of their own on one x: [xs, ys of the first, ...].
export function aligned(curves) {
  const xs = [...new Set(curves.flatMap((curve) => curve.x))].sort((one, other) => one - other);
  const at = new Map(xs.map((x, index) => [x, index]));
  return [xs, ...curves.map((curve) => {
    const ys = new Array(xs.length).fill(null);
    curve.x.forEach((x, index) => { ys[at.get(x)] = drawable(curve.y[index]); });
    return ys;
  })];
}
