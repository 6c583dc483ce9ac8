// Buttons that act: they call the lab's HTTP interface, as any client would.
//
//   <button data-method="POST" data-url="/v1/experiments/ID:cancel">Cancel</button>
//   data-body='{"q": ...}'   JSON body        data-confirm="Delete it?"   asks first
//   data-then="/experiments" goes there       data-done="Cancelled."      says so
//
// Buttons that only show something: data-open-dialog="ID", data-copy="text".

import { at } from "./address.js";
import { refresh } from "./live.js";

let hiding = null;

// The name under which this browser submits: the lab believes it, as it believes every client.
const user = () => localStorage.getItem("user") ?? "";

function showUser() {
  const button = document.getElementById("user");
  button.textContent = user() || "anonymous";
  button.hidden = false;
}

async function askUser() {
  const name = await askFor("Your name, as the owner of what you submit?");
  if (!name) return;
  if (!/^[^\p{Cc}\u2028-\u202e\u2066-\u2069]{1,100}$/u.test(name)) { say(["A name has up to 100 printable characters."], true); return; }
  localStorage.setItem("user", name);
  showUser();
}

// Calls the interface; shows what was wrong, and gives the answer, or null if there was a problem.
export async function call(method, url, body) {
  const options = { method, headers: { Accept: "application/json" } };
  if (body !== undefined) {
    options.body = typeof body === "string" ? body : JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  if (user()) options.headers["X-Extrapolab-User"] = user().replace(/[^ -~]|%/gu, encodeURIComponent);
  if (method === "PATCH") options.headers["If-Match"] = "*";
  let answer;
  const waiting = countSeconds();
  try {
    answer = await fetch(at(url), options);
  } catch {
    say(["The lab does not answer. Nothing was changed."], true);
    return null;
  } finally {
    waiting.end();
  }
  const type = answer.headers.get("Content-Type") ?? "";
  const content = type.includes("json") ? await answer.json() : {};
  if (answer.ok) return content;
  const errors = content.errors ?? [{ message: `the lab answered ${answer.status}` }];
  say(errors.map((error) => [error.pointer, error.message].filter(Boolean).join(": ")), true);
  return null;
}

// Says from the second second on how long the lab has been at it.
function countSeconds() {
  const started = Date.now();
  let isShown = false;
  const timer = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1000);
    if (seconds >= 2) say([`The lab is at it, ${seconds} s`]);
    isShown = seconds >= 2;
  }, 1000);
  return { end() { clearInterval(timer); if (isShown) document.getElementById("notice").hidden = true; } };
}

export function say(lines, isProblem = false) {
  const notice = document.getElementById("notice");
  notice.replaceChildren(...lines.map((line) => Object.assign(document.createElement("p"), { textContent: line })));
  notice.classList.toggle("problem", isProblem);
  notice.hidden = false;
  clearTimeout(hiding);
  if (!isProblem) hiding = setTimeout(() => { notice.hidden = true; }, 5000);
}

// Asks a question; true for yes.
export async function ask(question) {
  return (await show(question, null)) === "yes";
}

// Asks for a text; empty if there is none.
export async function askFor(question) {
  const field = document.getElementById("answer");
  field.value = "";
  return (await show(question, field)) === "yes" ? field.value.trim() : "";
}

function show(question, field) {
  const dialog = document.getElementById("ask");
  document.getElementById("question").textContent = question;
  document.getElementById("answer").hidden = field === null;
  dialog.returnValue = "no";
  dialog.showModal();
  field?.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

async function act(button) {
  const { method, url, body, confirm, then, done } = button.dataset;
  if (confirm && !(await ask(confirm))) return;
  button.disabled = true;
  const answer = await call(method, url, body);
  button.disabled = false;
  if (answer === null) return;
  if (then) location.assign(at(then));
  else {
    if (done) say([done]);
    refresh();
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button, [data-copy]");
  if (event.target.closest("#notice")) document.getElementById("notice").hidden = true;
  if (!button) return;
  if (button.dataset.url) await act(button);
  else if (button.id === "user") await askUser();
  else if (button.dataset.openDialog) document.getElementById(button.dataset.openDialog).showModal();
  else if (button.dataset.copy) {
    await navigator.clipboard.writeText(button.dataset.copy);
    say(["Copied."]);
  }
});

showUser();
