// Follows the lab's events: progress is written into the page at once; when something else
// changed, the page asks for itself again and morphs what differs. Charts are skipped by the morph
// (hx-morph-skip-children) and listen to the events below.
//
// Events on document:
//   lab:progress  {id, step, of, ...}   a running experiment's new progress
//   lab:state     {id, kind, state, ...}
//   lab:refreshed                               the page was morphed

import { duration, whole } from "./format.js";

const FIRST_WAIT = 400;  // ms from an event to the refresh that it causes: a burst makes one
const MOST_OFTEN = 2000; // ms between two refreshes, or 20 times as long as the last one took
const REOPEN = 3000;     // ms until the stream is opened again after the server refused it

let source = null;
let timer = null;
let last = 0;
let pause = MOST_OFTEN;
let wasLost = false;

export function follow() {
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open(true)));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => { if (event.persisted) open(true); });
  if (!document.hidden) open(false);
  goOn();
  document.addEventListener("lab:refreshed", goOn);
}

// A page that could not say everything at once is asked again.
function goOn() {
  if (document.querySelector("[data-unfinished]")) refresh();
}

// Asks for this page again and morphs what differs; several calls in a short time make one.
export function refresh() {
  if (timer !== null || document.hidden) return;
  timer = setTimeout(load, Math.max(FIRST_WAIT, last + pause - Date.now()));
}

// Shows another address of this page without leaving it.
export function go(address) {
  history.replaceState(null, "", address);
  clearTimeout(timer);
  return load();
}

async function load() {
  timer = null;
  const started = Date.now();
  try {
    await htmx.ajax("GET", location.href, { target: "#page", select: "#page", swap: "outerMorph" });
  } finally {
    last = Date.now();
    pause = Math.max(MOST_OFTEN, 20 * (last - started));
  }
}

function open(isReturning) {
  const { events, lastEvent } = document.body.dataset;
  if (source !== null || !events) return;
  source = new EventSource(`${events}&last=${lastEvent}`);
  source.addEventListener("open", () => {
    show(false);
    if (wasLost || isReturning) refresh();
    wasLost = isReturning = false;
  });
  source.addEventListener("error", () => {
    wasLost = true;
    show(true);
    if (source?.readyState === EventSource.CLOSED) {
      close();
      setTimeout(() => { if (!document.hidden) open(true); }, REOPEN);
    }
  });
  source.addEventListener("progress", (event) => progress(JSON.parse(event.data)));
  source.addEventListener("state", (event) => {
    document.dispatchEvent(new CustomEvent("lab:state", { detail: JSON.parse(event.data) }));
    refresh();
  });
  for (const type of ["worker", "queue"]) source.addEventListener(type, refresh);
}

function close() {
  source?.close();
  source = null;
}

function show(isLost) {
  const mark = document.getElementById("connection");
  if (mark) mark.hidden = !isLost;
}

function progress(detail) {
  for (const part of document.querySelectorAll(`[data-progress="${detail.id}"]`)) {
    const fill = part.querySelector("[data-part=fill]");
    if (!part.querySelector("[data-part=step]")) refresh(); // drawn before its first step
    fill?.setAttribute("width", (100 * detail.step) / Math.max(detail.of, 1));
    write(part, "step", whole(detail.step));
    write(part, "of", whole(detail.of));
    write(part, "rate", detail.steps_per_second == null ? "" : whole(detail.steps_per_second));
    write(part, "left", detail.eta_seconds == null ? "" : duration(detail.eta_seconds));
  }
  document.dispatchEvent(new CustomEvent("lab:progress", { detail }));
}

function write(part, name, text) {
  const place = part.querySelector(`[data-part=${name}]`);
  if (place && place.textContent !== text) place.textContent = text;
}

// A page made by another version of the lab, as after an upgrade, is loaded anew.
document.addEventListener("htmx:before:swap", (event) => {
  const text = event.detail?.ctx?.text ?? "";
  const version = text.match(/data-version="([^"]+)"/)?.[1];
  if (version && version !== document.documentElement.dataset.version) location.reload();
});
document.addEventListener("htmx:after:swap", () => document.dispatchEvent(new CustomEvent("lab:refreshed")));
