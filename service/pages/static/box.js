// A field of the form: what it holds, whether it is shown, and whether it varies in a sweep.

import { list, matrix, number } from "./document.js";

export class Box {
  constructor(element) {
    this.element = element;
    this.path = element.dataset.path;
    this.control = element.dataset.control;
    this.when = (element.dataset.when ?? "").split(" ").filter(Boolean).map((condition) => condition.split("="));
    this.input = element.querySelector("input, select, textarea");
    this.checks = [...element.querySelectorAll(".set input")];
    this.axis = null;
    element.querySelector(".vary")?.addEventListener("click", () => { this.vary(this.axis === null); this.changed(); });
  }

  changed() {
    this.element.dispatchEvent(new Event("input", { bubbles: true }));
    (this.axis?.querySelector("input:not([hidden])") ?? this.input).focus();
  }

  get isShown() {
    return !this.element.hidden;
  }

  // The value as the spec has it; undefined for the default.
  get value() {
    const text = this.input?.value ?? "";
    const isSelect = this.input?.tagName === "SELECT";
    const isDefault = text.trim() === "" || (isSelect && text === this.element.dataset.default);
    switch (this.control) {
      case "set": {
        const chosen = this.checks.filter((check) => check.checked).map((check) => check.value);
        const usual = this.checks.filter((check) => check.defaultChecked).map((check) => check.value);
        return chosen.join() === usual.join() ? undefined : chosen;
      }
      case "flag": return isDefault ? undefined : text === "true";
      case "number": case "whole": return isDefault ? undefined : number(text);
      case "numbers": {
        const values = list(text);
        return isDefault ? undefined : this.path === "seeds" && values.length === 1 ? values[0] : values;
      }
      case "matrix": return isDefault ? undefined : matrix(text);
      case "words": return isDefault ? undefined : text.split(/\s+/).filter(Boolean);
      default: return isDefault ? undefined : text;
    }
  }

  set value(given) {
    if (this.control === "set") {
      for (const check of this.checks) check.checked = given === undefined ? check.defaultChecked : [].concat(given).includes(check.value);
    } else if (given === undefined || given === null) {
      this.input.value = this.input.tagName === "SELECT" ? this.element.dataset.default : "";
      if (this.input.selectedIndex < 0) this.input.selectedIndex = 0; // a choice without a default
    }
    else if (this.control === "matrix") this.input.value = JSON.stringify(given);
    else if (Array.isArray(given)) this.input.value = given.join(this.control === "words" ? " " : ", ");
    else if (typeof given === "object") this.input.value = JSON.stringify(given);
    else this.input.value = String(given);
  }

  // Turns the field into an axis of a sweep, or back.
  vary(isVaried, given = null) {
    this.axis?.remove();
    this.axis = null;
    this.element.classList.toggle("varied", isVaried);
    this.element.querySelector(".vary").firstChild.data = isVaried ? "one value" : "vary";
    this.input.hidden = isVaried;
    if (!isVaried) return;
    this.axis = document.getElementById("axis").content.firstElementChild.cloneNode(true);
    this.element.querySelector(".error").before(this.axis);
    const [kind, values] = [this.axis.querySelector("select"), this.part("values")];
    if (this.input.tagName === "SELECT") {
      kind.hidden = values.hidden = true;
      const options = this.part("options");
      options.hidden = false;
      for (const { value, textContent } of this.input.options) {
        const label = document.createElement("label");
        const check = Object.assign(document.createElement("input"), { type: "checkbox", value });
        check.checked = given ? given.values.map(String).includes(value) : true;
        label.append(check, textContent);
        options.append(label);
      }
      return;
    }
    kind.addEventListener("change", () => this.showKind());
    kind.value = given?.kind ?? "list";
    if (given === null) {
      const usual = this.element.dataset.default;
      const value = this.input.value || (Number.isFinite(Number(usual)) ? usual : "");
      values.value = this.part("low").value = value;
    } else if (given.values) values.value = given.values.join(", ");
    for (const name of ["low", "high", "count"]) if (given?.[name] !== undefined) this.part(name).value = given[name];
    this.isWhole = given?.whole;
    this.showKind();
  }

  showKind() {
    const isList = this.axis.querySelector("select").value === "list";
    this.part("values").hidden = !isList;
    this.part("range").hidden = isList;
  }

  part(name) {
    return this.axis.querySelector(`[data-axis=${name}]`);
  }

  // The axis as a sweep has it.
  get axisValue() {
    if (this.input.tagName === "SELECT") {
      const chosen = [...this.part("options").querySelectorAll("input:checked")].map((check) => check.value);
      return { path: this.path, values: chosen.map((value) => (this.control === "flag" ? value === "true" : value)) };
    }
    const kind = this.axis.querySelector("select").value;
    if (kind === "list") return { path: this.path, values: list(this.part("values").value) };
    const [low, high, count] = ["low", "high", "count"].map((name) => number(this.part(name).value));
    const isWhole = this.isWhole ?? this.control === "whole";
    return { path: this.path, kind, low, high, count, ...(isWhole && { whole: true }) };
  }

  say(message) {
    const place = this.element.querySelector(".error");
    this.element.classList.toggle("wrong", message !== "");
    place.hidden = message === "";
    if (place.textContent !== message) place.textContent = message;
    for (const input of this.element.querySelectorAll("input, select, textarea")) {
      input.toggleAttribute("aria-invalid", message !== "");
      if (message) input.setAttribute("aria-invalid", "true");
    }
    if (message) this.element.closest("details")?.setAttribute("open", "");
  }
}
