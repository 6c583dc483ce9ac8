// The form for an experiment or a sweep, checked by the lab while it is typed.
//
// The document is a spec or {base, axes, name, tags}. The tabs show it as fields or as text;
// what the fields can't show (zipped axes, unknown names) is kept and sent along.

import { at } from "./address.js";
import { call } from "./actions.js";
import { Box } from "./box.js";
import { flatten, number, setAt, valueAt, yaml } from "./document.js";

const PAUSE = 250; // ms after the last key until the lab is asked

const root = document.getElementById("new");
const form = root.querySelector("form");
const boxes = [...form.querySelectorAll(".box[data-path]")].map((element) => new Box(element));
const notes = [...form.querySelectorAll(".note")].map((element) => ({
  element, when: element.dataset.when.split(" ").map((condition) => condition.split("=")),
}));
const area = document.getElementById("f-text");
const button = document.getElementById("submit");
let tab = "form";
let rest = { values: [], axes: [] }; // what no field shows
let asked = null;                    // the newest check
let timer = null;
let isValid = false;

// ---- Which fields are shown: those of the chosen kinds.

function kinds() {
  const chosen = new Map();
  for (const box of boxes) {
    const isShown = box.when.every(([path, of]) => [chosen.get(path) ?? []].flat().some((kind) => of.split(",").includes(kind)));
    box.element.hidden = !isShown;
    if (isShown && box.path.endsWith(".kind")) chosen.set(box.path, box.axis ? box.axisValue.values : box.input.value);
  }
  for (const more of form.querySelectorAll(".rare")) more.hidden = !more.querySelector(".box:not([hidden])");
  for (const { element, when } of notes) element.hidden = !when.every(([path, of]) => of.split(",").includes(chosen.get(path)));
}

// A number that was typed stays when another kind has the same field.
function keepTyped(before) {
  for (const box of boxes) {
    if (!box.isShown || before.has(box) || box.input?.tagName === "SELECT") continue;
    const same = [...before].find((other) => other.path === box.path && !other.isShown && other.control === box.control);
    if (same && box.input?.value === "") box.input.value = same.input.value;
  }
}

// ---- The document of the form, and back.

function read() {
  const spec = {};
  for (const box of boxes) {
    if (!box.isShown || box.axis) continue;
    const value = box.value;
    if (value !== undefined) setAt(spec, box.path, value);
  }
  for (const [path, value] of rest.values) setAt(spec, path, value);
  const axes = [...boxes.filter((box) => box.isShown && box.axis).map((box) => box.axisValue), ...rest.axes];
  if (axes.length === 0) return spec;
  return { ...(spec.name && { name: spec.name }), base: spec, axes };
}

function write(given) {
  const isSweep = typeof given.base === "object" && given.base !== null;
  const spec = structuredClone(isSweep ? given.base : given);
  if (isSweep && given.name) spec.name = given.name;
  if (isSweep && given.tags?.length) spec.tags = [...new Set([...(spec.tags ?? []), ...given.tags])];
  const axes = isSweep && Array.isArray(given.axes) ? given.axes : [];
  const values = new Map(flatten(spec));
  const placed = new Set();
  for (const box of boxes) if (box.axis) box.vary(false);
  for (const box of boxes) box.value = undefined;
  for (let pass = 0; pass < 3; pass += 1) { // kinds decide which fields there are
    kinds();
    for (const box of boxes) {
      if (!box.isShown || placed.has(box)) continue;
      const value = values.has(box.path) ? values.get(box.path) : valueAt(spec, box.path);
      const axis = axes.find((each) => each?.path?.replace(/^\//, "").replaceAll("/", ".") === box.path);
      if (axis && box.element.querySelector(".vary")) box.vary(true, { kind: "list", ...axis });
      if (value !== undefined) box.value = value;
      if (value !== undefined || axis) placed.add(box);
      if (box.element.closest(".rare") && (value !== undefined || axis)) box.element.closest(".rare").open = true;
    }
  }
  kinds();
  const shown = new Set([...placed].map((box) => box.path));
  rest = {
    values: [...values].filter(([path]) => !shown.has(path)),
    axes: axes.filter((axis) => !shown.has(axis?.path?.replace(/^\//, "").replaceAll("/", "."))),
  };
}

const text = () => (tab === "form" ? JSON.stringify(read()) : area.value);

// ---- The lab's word on it.

function schedule() {
  clearTimeout(timer);
  timer = setTimeout(check, PAUSE);
}

// Asks the lab; resolves to its answer, or to null if a newer question has been asked.
async function check() {
  clearTimeout(timer);
  const question = new AbortController();
  asked?.abort();
  asked = question;
  let answer;
  try {
    const response = await fetch(at("/new/check"), {
      method: "POST", body: JSON.stringify({ text: text() }), signal: question.signal,
      headers: { "Content-Type": "application/json", Accept: "application/json" },
    });
    if (!response.ok) return null; // too large a text; submitting says so
    answer = await response.json();
  } catch {
    return null; // a newer question, or a lab that restarts: the next key asks again
  }
  if (asked === question) show(answer);
  return answer;
}

function show({ content, problems, panel }) {
  const place = document.getElementById("panel");
  if (place.innerHTML !== panel) place.innerHTML = panel;
  isValid = problems.length === 0;
  button.disabled = !isValid;
  const count = place.querySelector("[data-count]")?.dataset.count;
  button.textContent = count ? `Submit ${count} experiments` : "Submit";
  for (const option of form.querySelectorAll("[data-option]")) option.hidden = Boolean(count);
  const messages = new Map();
  for (const { pointer, message } of tab === "form" ? problems : []) {
    const box = boxAt(pointer, content);
    if (!box) continue;
    messages.set(box, [...(messages.get(box) ?? []), message]);
    for (const line of place.querySelectorAll("[data-pointer]")) if (line.dataset.pointer === pointer) line.hidden = true;
  }
  for (const box of boxes) box.say((messages.get(box) ?? []).join("; "));
}

// The field of a JSON Pointer: the one at it, or the nearest above it.
function boxAt(pointer, content) {
  let path = pointer.slice(1).replaceAll("/", ".");
  const axis = path.match(/^axes\.(\d+)/);
  if (axis) path = content?.axes?.[Number(axis[1])]?.path ?? "";
  path = path.replace(/^base\./, "");
  for (; path; path = path.includes(".") ? path.slice(0, path.lastIndexOf(".")) : "") {
    const box = boxes.find((each) => each.isShown && each.path === path);
    if (box) return box;
  }
  return null;
}

async function submit() {
  const answer = await check();
  if (!answer || answer.problems.length) return;
  button.disabled = true;
  const isSweep = typeof answer.content.base === "object";
  const options = new URLSearchParams();
  for (const option of isSweep ? [] : form.querySelectorAll("[data-option]")) {
    const given = option.querySelector("input").value.trim();
    if (given) options.set(option.dataset.option, number(given));
  }
  const url = `${isSweep ? "/v1/sweeps" : "/v1/experiments"}?${options}`;
  const submitted = await call("POST", url, answer.content);
  button.disabled = false;
  if (submitted) location.assign(at(`${isSweep ? "/sweeps" : "/experiments"}/${submitted.id}`));
}

// ---- Tabs, files, keys.

async function open(name) {
  if (name === tab) return;
  const answer = await check();
  if (!answer?.content || typeof answer.content !== "object" || Array.isArray(answer.content)) return;
  const given = tab === "form" ? read() : answer.content;
  tab = name;
  for (const each of form.querySelectorAll("[role=tab]")) each.setAttribute("aria-selected", String(each.id === `tab-${name}`));
  document.getElementById("fields").hidden = name !== "form";
  document.getElementById("text").hidden = name === "form";
  document.getElementById("text").setAttribute("aria-labelledby", `tab-${name}`);
  if (name === "form") write(given);
  else area.value = name === "json" ? JSON.stringify(given, null, 2) : yaml(given);
  await check();
}

// A text from elsewhere: into the fields if it can be read, else into the text, with what is wrong.
async function take(given) {
  const response = await fetch(at("/new/check"), {
    method: "POST", body: JSON.stringify({ text: given }), headers: { "Content-Type": "application/json" },
  });
  const { content } = response.ok ? await response.json() : {};
  const isReadable = typeof content === "object" && content !== null && !Array.isArray(content);
  if (tab === "form" && isReadable) write(content);
  else {
    if (tab === "form") await open("yaml");
    area.value = given;
  }
  await check();
}

form.addEventListener("input", () => {
  const before = new Set(boxes.filter((box) => box.isShown));
  kinds();
  keepTyped(before);
  schedule();
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("click", (event) => {
  if (event.target.id === "submit") submit();
  const name = event.target.closest("[role=tab]")?.id.slice(4);
  if (name) open(name);
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
  const move = { ArrowLeft: "previousElementSibling", ArrowRight: "nextElementSibling" }[event.key];
  if (move && event.target.matches("[role=tab]")) event.target[move]?.focus();
});
document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dropping"); });
document.addEventListener("dragleave", () => document.body.classList.remove("dropping"));
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  const file = event.dataTransfer.files[0];
  if (file) take(await file.text());
});
document.addEventListener("paste", (event) => {
  const given = event.clipboardData.getData("text");
  if (!event.target.closest("input, textarea") && given.trim()) take(given);
});

write(JSON.parse(root.dataset.document));
form.hidden = false;
check();
