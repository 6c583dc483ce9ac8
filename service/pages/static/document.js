// A spec or sweep between the form, the text and the lab: typed text to values and back.

// The value at a dotted path; undefined if there is none.
export function valueAt(document, path) {
  return path.split(".").reduce((inner, name) => inner?.[name], document);
}

export function setAt(document, path, value) {
  const names = path.split(".");
  const last = names.pop();
  let inner = document;
  for (const name of names) {
    if (typeof inner[name] !== "object" || inner[name] === null || Array.isArray(inner[name])) inner[name] = {};
    inner = inner[name];
  }
  inner[last] = value;
}

// [path, value] of every value that is not an object.
export function* flatten(document, prefix = "") {
  for (const [name, value] of Object.entries(document ?? {})) {
    const path = prefix ? `${prefix}.${name}` : name;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) yield* flatten(value, path);
    else yield [path, value];
  }
}

// What was typed as a number: the number, or the text, about which the lab says what is wrong.
export function number(text) {
  const given = text.trim().replace("−", "-");
  return given !== "" && Number.isFinite(Number(given)) ? Number(given) : text;
}

export function list(text) {
  return text.split(/[\s,;]+/).filter(Boolean).map(number);
}

export function matrix(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const isPlain = (text) => /^[A-Za-z][\w .:/-]*$/.test(text) && !/: |:$|\s$|^(true|false|null|yes|no|on|off|y|n|nan|inf)$/i.test(text);

function scalar(value) {
  if (typeof value === "string") return isPlain(value) && !value.includes(":") ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(scalar).join(", ")}]`;
  if (typeof value === "object" && value !== null) return `{${Object.entries(value).map(([key, part]) => `${key}: ${scalar(part)}`).join(", ")}}`;
  return String(value);
}

// YAML: objects as blocks, lists in one line, except for lists of objects.
export function yaml(document, indent = "") {
  return Object.entries(document).map(([key, value]) => {
    if (Array.isArray(value) && value.length && value.every((part) => typeof part === "object" && !Array.isArray(part))) {
      return `${indent}${key}:\n${value.map((part) => `${indent}  - ${scalar(part)}\n`).join("")}`;
    }
    if (typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length) {
      return `${indent}${key}:\n${yaml(value, `${indent}  `)}`;
    }
    return `${indent}${key}: ${scalar(value)}\n`;
  }).join("");
}
