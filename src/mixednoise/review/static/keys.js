// The keyboard, and the page that tells of it.
import { $, el, fill } from "./dom.js";
import { isMasks } from "./state.js";

let table = [];

/** rows: [section, [[shown keys, matches(event), what, handler], ...]] */
export function buildKeys(rows) {
  table = rows;
  document.addEventListener("keydown", pressed);
  $("#help").addEventListener("click", help);
}

export const key = (...names) => (event) => !event.ctrlKey && !event.metaKey && names.includes(event.key);
export const control = (name) => (event) => (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === name;

function pressed(event) {
  if (event.defaultPrevented || event.altKey || $("dialog[open]")) return;
  const target = event.target;
  const writes = target.matches("input:not([type=range]), textarea, select");
  if (writes) {
    if (event.key === "Escape") target.blur();
    return;
  }
  // A slider keeps its arrows.
  if (target.matches("input[type=range]") && event.key.startsWith("Arrow")) return;
  for (const [, rows] of table) {
    for (const [, matches, , handler, repeats] of rows) {
      if (!matches(event)) continue;
      event.preventDefault();
      // A key that is held down decides once.
      if (!event.repeat || repeats) handler(event);
      return;
    }
  }
}

export function help() {
  const dialog = $("#keys-dialog");
  if (dialog.open) return;
  fill(
    dialog,
    el("h2", { id: "keys-title", text: "Keys" }),
    el("div", { class: "key-table" }, ...table.map(([title, rows]) => el(
      "section",
      {},
      el("h3", { text: title }),
      el("dl", {}, ...rows.filter(([shown]) => shown).flatMap(([shown, , what]) => [
        el("dt", {}, ...shown.map((text) => el("kbd", { text }))),
        el("dd", { text: what }),
      ])),
    ))),
    el("p", { class: "soft", text: isMasks()
      ? "Each decision is on the disk before the next case appears."
      : "Each decision is on the disk before the next sample appears." }),
    el("div", { class: "buttons" }, el("button", { type: "button", class: "main", text: "Close", autofocus: true, onclick: () => dialog.close() })),
  );
  dialog.showModal();
}
