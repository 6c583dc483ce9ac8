// Search as one types, with lunr in a worker; and a button that copies code.
const form = document.querySelector(".search");
const input = form.querySelector("input");
const list = document.getElementById("found");
const status = form.querySelector("[role=status]");
const base = new URL(document.documentElement.dataset.base, location.href);
let worker;

function start() {
  if (worker) return;
  worker = new Worker(new URL("search-worker.js", import.meta.url));
  worker.onmessage = ({ data }) => data.query === input.value && show(data);
  worker.postMessage({ index: new URL("search/search_index.json", base).href });
}

function close() {
  list.hidden = true;
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function show({ results }) {
  list.replaceChildren(
    ...results.map(({ location: path, title, page, before, match, after }, number) => {
      const option = document.createElement("a");
      option.href = new URL(path, base).href;
      option.id = `found-${number}`;
      option.role = "option";
      option.tabIndex = -1;
      option.setAttribute("aria-selected", "false");
      const excerpt = element("span", "excerpt", before);
      excerpt.append(element("mark", "", match), after);
      option.append(element("b", "", title), element("span", "of", page), excerpt);
      return option;
    }),
  );
  if (results.length === 0) list.append(element("p", "empty", "Nothing found"));
  status.textContent = `${results.length} results`;
  list.hidden = false;
  input.setAttribute("aria-expanded", "true");
}

function select(by) {
  const options = [...list.querySelectorAll("[role=option]")];
  if (options.length === 0) return;
  const at = options.findIndex((option) => option.ariaSelected === "true");
  const next = options[(at + by + options.length + (at < 0 && by < 0)) % options.length];
  for (const option of options) option.ariaSelected = String(option === next);
  input.setAttribute("aria-activedescendant", next.id);
  next.scrollIntoView({ block: "nearest" });
}

input.addEventListener("focus", start);
input.addEventListener("input", () => {
  if (input.value.trim()) worker.postMessage({ query: input.value });
  else close();
});
input.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    select(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Escape") close();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  (list.querySelector("[aria-selected=true]") ?? list.querySelector("a"))?.click();
});
form.addEventListener("focusout", (event) => form.contains(event.relatedTarget) || close());
list.addEventListener("mousedown", (event) => event.preventDefault());
list.addEventListener("click", close);
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input")) return;
  event.preventDefault();
  input.focus();
  input.select();
});
form.hidden = false;

for (const code of document.querySelectorAll(".highlight")) {
  const button = element("button", "copy", "Copy");
  button.type = "button";
  button.addEventListener("click", async () => {
    const lines = code.querySelector("code").innerText.split("\n");
    const commands = lines.filter((line) => line.startsWith("$ "));
    const text = commands.length ? commands.map((line) => line.slice(2)).join("\n") : lines.join("\n");
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  });
  code.append(button);
}
