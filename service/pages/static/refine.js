// Refinement of a sweep: where a verdict flips along an axis, and one round of bisection there.

import { call, say } from "./actions.js";
import { at } from "./address.js";
import { number } from "./format.js";
import { refresh } from "./live.js";

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-refine]");
  if (!form) return;
  event.preventDefault();
  const { axis, where } = Object.fromEntries(new FormData(form));
  const isDry = event.submitter?.value === "show";
  const found = await call("POST", `${form.dataset.refine}:refine?dry_run=${isDry}`, { axis, where });
  if (found === null) return;
  const table = document.querySelector("[data-flips]");
  table.hidden = found.brackets.length === 0;
  table.tBodies[0].replaceChildren(...found.brackets.map(row));
  const news = found.created === 1 ? "1 experiment queued." : `${found.created} experiments queued.`;
  say([summary(found), ...(found.created > 0 ? [news] : [])]);
  if (found.created > 0) refresh();
});

function summary(found) {
  const flips = found.brackets.length;
  if (flips === 0) return `It flips nowhere: it holds for ${found.holding} of ${found.judged}.`;
  return `${found.located} of ${flips} ${flips === 1 ? "flip" : "flips"} located.`;
}

// A bracket: the values on the other axes, the two ends, and how far it is.
function row({ coordinates, low, high, located, blocked_by: blockedBy }) {
  const others = Object.entries(coordinates).map(([path, value]) => `${path} = ${shown(value)}`);
  const state = located ? "located" : blockedBy ? "did not complete in the middle" : "not yet";
  const cells = [others.join(", ") || "–", end(low), end(high), state];
  const made = document.createElement("tr");
  made.append(...cells.map((content) => {
    const cell = document.createElement("td");
    cell.append(content);
    return cell;
  }));
  return made;
}

function end({ value, holds, experiment, fitted, seeds }) {
  const link = document.createElement("a");
  link.href = at(`/experiments/${experiment}`);
  link.textContent = `${number(value)} ${holds ? "holds" : "fails"}, ${fitted} of ${seeds} fit`;
  return link;
}

function shown(value) {
  return typeof value === "number" ? number(value) : JSON.stringify(value).replace(/["{}]/g, "");
}
