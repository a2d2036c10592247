// The samples around the one that is shown.
import { $, el, fill, number } from "./dom.js";
import { thumbnail } from "./pictures.js";
import { MARKS, isMasks, mayShow, on, others, own, state, words } from "./state.js";

const list = $("#list");
const items = new Map();
let open = () => {};
let more = () => {};

export function buildList(actions) {
  ({ open, more } = actions);
  on("queue", render);
  on("decisions", render);
  const button = $("#show-list");
  button.addEventListener("click", () => {
    const shown = list.classList.toggle("shown");
    button.setAttribute("aria-expanded", shown);
    if (shown) scroll();
  });
  list.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
}

export function hide() {
  list.classList.remove("shown");
  $("#show-list").setAttribute("aria-expanded", "false");
}

function render() {
  const { samples, first, total } = state.queue;
  const wanted = new Set(samples.map((sample) => sample.row));
  for (const row of items.keys()) if (!wanted.has(row)) items.delete(row);
  const shown = samples.map((sample) => {
    if (!items.has(sample.row)) items.set(sample.row, make(sample));
    return updated(items.get(sample.row), sample);
  });
  const before = first > 0 ? el("p", { class: "soft", text: `${number(first)} before` }) : null;
  const left = total - first - samples.length;
  const after = left > 0
    ? el("button", { type: "button", class: "plain", text: `${number(left)} more`, onclick: more })
    : null;
  fill(list, before, el("ol", {}, ...shown), after);
  scroll();
}

function scroll() {
  $("[aria-current]", list)?.scrollIntoView({ block: "nearest" });
}

function make(sample) {
  const image = el("img", { alt: "", loading: "lazy" });
  thumbnail(image, sample.row);
  const button = el(
    "button",
    { type: "button", onclick: () => { hide(); open(sample.row); } },
    image,
    el("span", { class: "item-text" }, el("span", { class: "item-id", text: sample.id }), el("span", { class: "item-labels" })),
    el("span", { class: "item-marks" }),
  );
  return el("li", {}, button);
}

function updated(item, sample) {
  const button = $("button", item);
  if (sample.row === state.row) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
  fill($(".item-labels", item), ...labels(sample));
  fill($(".item-marks", item), ...marks(sample));
  return item;
}

function labels(sample) {
  if (isMasks()) return [el("span", { text: `${number(sample.suspected ?? 0)} px suspected` })];
  const other = sample.suggested || (sample.group === "mis_l" ? "leave out" : "");
  if (!other || other === sample.given) return [el("span", { text: sample.given })];
  return [el("span", { text: sample.given }), el("span", { text: " → ", class: "soft" }), el("span", { text: other })];
}

/** What was decided, in signs: mine, then how many others, then whether we differ. */
export function marks(sample) {
  const found = [];
  const mine = own(sample);
  if (mine) found.push(el("span", { class: "mark mine", text: MARKS[mine.action], title: `you: ${words(mine, sample)}` }));
  if (mayShow(sample)) {
    const rest = others(sample);
    for (const one of rest.slice(0, rest.length > 2 ? 1 : 2)) {
      found.push(el("span", { class: "mark", text: MARKS[one.action], title: `${one.reviewer}: ${words(one, sample)}` }));
    }
    if (rest.length > 2) found.push(el("span", { class: "mark", text: `+${rest.length - 1}`, title: rest.map((one) => one.reviewer).join(", ") }));
    if (sample.differs) found.push(el("span", { class: "mark differs", text: "≠", title: "different opinions" }));
  }
  return found;
}
