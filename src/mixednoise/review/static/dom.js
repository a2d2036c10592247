// Building the page. Text of users' files goes through textContent alone.

export const $ = (selector, within = document) => within.querySelector(selector);

/** An element: attributes, `on...` handlers and `text`, then children. */
export function el(tag, options = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const fill = (parent, ...children) =>
  parent.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));

export const number = (value) => value.toLocaleString("en");
export const counted = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

/** A probability as people read it: what is above zero never becomes 0. */
export function share(value) {
  if (value === null || value === undefined) return "–";
  if (value > 0 && value < 0.005) return "<0.01";
  if (value < 1 && value > 0.995) return ">0.99";
  return value.toFixed(2);
}

/** A bar from 0 to 1 with its name and value. */
export function bar(name, value, options = {}) {
  const inner = el("i");
  inner.style.width = `${100 * Math.min(1, Math.max(0, value ?? 0))}%`;
  if (options.colour) inner.style.background = options.colour;
  return el(
    "div",
    { class: `bar${options.low ? " low" : ""}`, title: options.title },
    el("span", { class: "bar-name", text: name }),
    el("span", { class: "bar-track", "aria-hidden": "true" }, inner),
    el("span", { class: "bar-value", text: share(value) }),
  );
}

let quiet = 0;
/** Say it, to the eye and to a screen reader. */
export function say(text, kind = "") {
  const said = $("#said");
  said.textContent = text;
  said.dataset.kind = kind;
  said.classList.add("shown");
  clearTimeout(quiet);
  quiet = setTimeout(() => said.classList.remove("shown"), kind ? 8000 : 2600);
}

// What was set with the mouse gives the keys back: arrows shall lead to the next sample again, and
// letters decide. Whoever walks with the tab key stays where they are.
let pointed = false;
addEventListener("pointerdown", () => (pointed = true), true);
addEventListener("keydown", () => (pointed = false), true);
addEventListener("pointerup", ({ target }) => target.matches?.("input[type=range]") && target.blur(), true);
addEventListener("change", ({ target }) => pointed && target.matches("select") && target.blur(), true);
