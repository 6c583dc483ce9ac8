// The list of experiments: a filter that completes, rows that are selected, actions on many.

import { at } from "./address.js";
import { ask, askFor, call, say } from "./actions.js";
import { go, refresh } from "./live.js";

const TYPING = 200; // ms without a key until the rows follow the filter
const form = () => document.querySelector(".filter");
const box = document.querySelector("[data-filter]");
const list = document.getElementById("suggestions");
const mistake = () => document.getElementById("mistake");

// ---- The filter.

let suggestions = [];
let piece = [0, 0];
let active = -1;
let typing = null;
let asked = 0;

// The lab counts characters, and a string of JavaScript units of UTF-16.
const characters = (text) => [...text].length;
const unitsBefore = (text, place) => [...text].slice(0, place).join("").length;

async function complete() {
  clearTimeout(typing);
  const number = ++asked;
  const cursor = characters(box.value.slice(0, box.selectionStart));
  const query = new URLSearchParams({ q: box.value, cursor, limit: 8 });
  const answer = await fetch(at(`/v1/fields:complete?${query}`));
  if (!answer.ok) return;
  const found = await answer.json();
  if (number !== asked) return; // about an earlier text
  piece = [found.start, found.end].map((place) => unitsBefore(box.value, place));
  suggestions = found.items.filter((item) => item.text !== box.value.slice(...piece));
  active = -1;
  show();
  point(found.problem);
  if (!found.problem && box.value !== form().dataset.query) typing = setTimeout(apply, TYPING);
}

// The mistake stands under its column; while the filter is half typed the rows stay.
function point(found) {
  const isEnd = found && found.offset >= characters(box.value) && document.activeElement === box;
  mistake().textContent = found && !isEnd
    ? `${"\u00a0".repeat(found.offset)}${"^".repeat(Math.max(found.length, 1))} ${found.message}` : "";
}

function apply() {
  const parameters = new URLSearchParams(location.search);
  parameters.delete("cursor");
  if (box.value.trim()) parameters.set("q", box.value);
  else parameters.delete("q");
  form().dataset.query = box.value;
  return go(`${location.pathname}?${parameters}`);
}

function show() {
  const isOpen = suggestions.length > 0 && document.activeElement === box;
  list.hidden = !isOpen;
  box.setAttribute("aria-expanded", String(isOpen));
  list.replaceChildren(...suggestions.map((item, index) => {
    const row = document.createElement("li");
    row.id = `suggestion-${index}`;
    row.role = "option";
    row.ariaSelected = String(index === active);
    const text = Object.assign(document.createElement("span"), { textContent: item.text, className: "mono" });
    const meaning = Object.assign(document.createElement("span"), {
      textContent: item.count == null ? item.meaning : `${item.count}`, className: "muted",
    });
    row.append(text, meaning);
    row.addEventListener("pointerdown", (event) => { event.preventDefault(); take(index); });
    return row;
  }));
  if (active >= 0) box.setAttribute("aria-activedescendant", `suggestion-${active}`);
  else box.removeAttribute("aria-activedescendant");
}

function take(index) {
  const { text, kind } = suggestions[index];
  const rest = box.value.slice(piece[1]);
  const space = kind === "label" || kind === "function" || rest.startsWith(" ") ? "" : " ";
  const written = kind === "function" && !text.endsWith("(") ? `${text}(` : text;
  box.value = box.value.slice(0, piece[0]) + written + space + rest;
  const end = piece[0] + written.length + space.length;
  box.setSelectionRange(end, end);
  complete();
}

function move(by) {
  active = (active + by + suggestions.length + 1) % (suggestions.length + 1);
  if (active === suggestions.length) active = by > 0 ? -1 : suggestions.length - 1;
  show();
}

box.addEventListener("input", complete);
box.addEventListener("focus", complete);
box.addEventListener("blur", () => { list.hidden = true; box.setAttribute("aria-expanded", "false"); });
box.addEventListener("keydown", (event) => {
  const isOpen = !list.hidden;
  if (event.key === "ArrowDown" && suggestions.length) { event.preventDefault(); move(1); }
  else if (event.key === "ArrowUp" && isOpen) { event.preventDefault(); move(-1); }
  else if ((event.key === "Enter" || event.key === "Tab") && isOpen && active >= 0) { event.preventDefault(); take(active); }
  else if (event.key === "Tab" && isOpen && !event.shiftKey && suggestions.length === 1) { event.preventDefault(); take(0); }
  else if (event.key === "Escape" && isOpen) { event.preventDefault(); list.hidden = true; }
  else if (event.key === "Enter") { event.preventDefault(); clearTimeout(typing); list.hidden = true; apply(); }
});

// ---- The selection: kept by row, also while rows come and go.

const selected = new Set();

document.addEventListener("change", ({ target }) => {
  if (!target.matches("#rows [type=checkbox]")) return;
  const row = target.closest("[data-row]");
  for (const { dataset } of row ? [row] : document.querySelectorAll("[data-row]")) {
    if (target.checked) selected.add(dataset.id);
    else selected.delete(dataset.id);
  }
  mark();
});
document.addEventListener("lab:refreshed", mark);

function mark() {
  const rows = [...document.querySelectorAll("[data-row]")];
  for (const row of rows) {
    const isSelected = selected.has(row.dataset.id);
    row.ariaSelected = String(isSelected);
    row.querySelector("[type=checkbox]").checked = isSelected;
  }
  const all = document.querySelector("[data-select-all]");
  if (all) {
    all.checked = selected.size > 0 && rows.every((row) => selected.has(row.dataset.id));
    all.indeterminate = selected.size > 0 && !all.checked;
  }
  const note = document.querySelector("[data-selected]");
  if (note) note.textContent = selected.size ? `on ${selected.size} selected` : "on all that match";
  const bar = document.getElementById("selection");
  if (bar) {
    bar.hidden = selected.size === 0;
    bar.firstElementChild.textContent = `${selected.size} selected`;
  }
  const address = `/v1/export?${new URLSearchParams({ q: filter(), format: "csv", safe: true })}`;
  for (const link of document.querySelectorAll("[data-export]")) link.href = at(address);
}

// The filter of what an action is for: the selected rows, or all that match.
function filter() {
  const whole = form().dataset.query.trim();
  if (selected.size === 0) return whole;
  const rows = [...document.querySelectorAll("[data-row]")].filter((row) => selected.has(row.dataset.id));
  const chosen = rows.map((row) => `(${row.dataset.filterOf})`).join(" or ");
  return whole ? `(${whole}) and (${chosen})` : chosen;
}

// ---- Actions on many: the page counts those that an action concerns and asks; the lab does
// nothing if their number has changed by then.

const EVERYTHING = "created > 1970-01-01";
const DONE = { cancel: "cancelled", pause: "paused", resume: "resumed", retry: "queued again", tag: "tagged", delete: "deleted" };

async function act(verb, concerns) {
  const whole = filter();
  const body = { q: whole || EVERYTHING };
  if (verb === "tag") {
    const tags = await askFor("Add which tags? Separate several by spaces; a minus takes one away.");
    if (!tags) return;
    const words = tags.split(/\s+/).filter(Boolean);
    body.add = words.filter((word) => !word.startsWith("-"));
    body.remove = words.filter((word) => word.startsWith("-")).map((word) => word.slice(1));
  }
  const count = await concerned(concerns, whole);
  if (count === null) return;
  if (count === 0) { say([`None of them can be ${DONE[verb]}.`]); return; }
  const noun = count === 1 ? "experiment" : "experiments";
  if (!(await ask(`${verb[0].toUpperCase()}${verb.slice(1)} ${count} ${noun}?`))) return;
  const answer = await call("POST", `/v1/experiments:${verb}`, { ...body, expect_count: count });
  if (answer === null) return;
  selected.clear();
  mark();
  say([`${count} ${noun} ${DONE[verb]}, or asked to be.`]);
  refresh();
}

// How many experiments an action concerns; null if the lab did not say.
async function concerned(concerns, whole) {
  const q = [whole, concerns].filter(Boolean).map((condition) => `(${condition})`).join(" and ");
  const found = await call("GET", `/v1/experiments?${new URLSearchParams({ q: q || EVERYTHING, limit: 1, fields: "id", include: "count" })}`);
  return found && found.count;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.bulk) await act(button.dataset.bulk, button.dataset.concerns);
  else if ("compare" in button.dataset) compare();
  else if ("clear" in button.dataset) { selected.clear(); mark(); }
  else if ("saveView" in button.dataset) await saveView();
  else return;
  button.closest("details")?.removeAttribute("open");
});

function compare() {
  if (selected.size < 2) { say(["Select two rows or more to compare them."]); return; }
  location.assign(at(`/compare?ids=${[...selected].join(",")}`));
}

async function saveView() {
  const name = await askFor("Name of the view?");
  if (!name) return;
  const parameters = new URLSearchParams(location.search);
  parameters.delete("cursor");
  const saved = await call("POST", "/v1/views", { name, page: "experiments", query: String(parameters) });
  if (saved !== null) { say([`Saved as ${name}.`]); refresh(); }
}
