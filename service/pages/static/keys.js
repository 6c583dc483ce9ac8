// The keyboard: rows are [data-row] elements, whose first link opens them.

function rows() {
  return [...document.querySelectorAll("[data-row]")];
}

function current() {
  return document.activeElement?.closest("[data-row]");
}

function step(by) {
  const all = rows();
  if (all.length === 0) return;
  const at = all.indexOf(current());
  const next = all[Math.min(Math.max(at === -1 ? (by > 0 ? 0 : all.length - 1) : at + by, 0), all.length - 1)];
  next.querySelector("a, button")?.focus();
  next.scrollIntoView({ block: "nearest" });
}

const KEYS = {
  "/": () => document.querySelector("[data-filter]")?.focus(),
  j: () => step(1),
  k: () => step(-1),
  x: () => current()?.querySelector("input[type=checkbox]")?.click(),
  c: () => document.querySelector("[data-compare]")?.click(),
  ".": () => {
    const menu = document.querySelector("[data-actions]");
    if (!menu) return;
    if (menu.tagName === "DETAILS") menu.open = true;
    menu.querySelector("button, a, [tabindex]")?.focus();
  },
  "?": () => document.getElementById("keys").showModal(),
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const action = KEYS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

// A menu closes with Escape and with a click elsewhere.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
