// Which class: a digit where there are few, typing where there are many.
import { $, el, fill } from "./dom.js";
import { state } from "./state.js";

const dialog = $("#relabel-dialog");
const FEW = 9;

/** The key of each class: grades by their own names, others by their place; none where many. */
export function keysOf(classes) {
  if (classes.length <= 10 && classes.every((name) => /^\d$/.test(name))) return classes;
  return classes.length <= FEW ? classes.map((_, place) => String(place + 1)) : null;
}

/** Ask; the name of the class, or null. */
export function chooseClass(sample) {
  const { classes } = state.about;
  const keys = keysOf(classes);
  return new Promise((resolve) => {
    let found = classes;
    // Enter alone must not choose what the sample is labelled as already.
    const likely = () => {
      const wanted = [sample.suggested, ...found].find((name) => found.includes(name) && name !== sample.given);
      return Math.max(0, found.indexOf(wanted));
    };
    let marked = likely();
    const finish = (label) => {
      dialog.close();
      resolve(label);
    };
    dialog.onclose = () => resolve(null);
    const input = keys
      ? null
      : el("input", { id: "relabel-words", type: "search", "aria-label": "Class", placeholder: "type to find", autocomplete: "off", spellcheck: "false", role: "combobox", "aria-controls": "classes", "aria-expanded": "true", oninput: () => list(true) });
    const options = el("ul", { id: "classes", class: "classes", role: "listbox", "aria-label": "Classes" });
    const list = (anew = false) => {
      const wanted = (input?.value ?? "").toLocaleLowerCase().split(/\s+/).filter(Boolean);
      found = classes.filter((name) => wanted.every((word) => name.toLocaleLowerCase().includes(word)));
      if (anew) marked = likely();
      fill(options, ...found.map((name, place) => option(name, place)));
      if (!found.length) fill(options, el("li", { class: "soft", text: "no such class" }));
      $("[aria-selected=true]", options)?.scrollIntoView({ block: "nearest" });
    };
    const option = (name, place) => el(
      "li",
      { role: "option", id: `class-${place}`, "aria-selected": String(place === marked), onclick: () => finish(name) },
      keys ? el("kbd", { text: keys[classes.indexOf(name)] }) : null,
      el("span", { text: name }),
      name === sample.given ? el("span", { class: "soft", text: "given" }) : null,
      name === sample.suggested && name !== sample.given ? el("span", { class: "soft", text: "suggested" }) : null,
    );
    dialog.onkeydown = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Enter") {
        event.preventDefault();
        if (found.length) finish(found[marked]);
      } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        marked = Math.min(found.length - 1, Math.max(0, marked + (event.key === "ArrowDown" ? 1 : -1)));
        list();
        input?.setAttribute("aria-activedescendant", `class-${marked}`);
      } else if (keys?.includes(event.key)) {
        event.preventDefault();
        finish(classes[keys.indexOf(event.key)]);
      }
    };
    fill(
      dialog,
      el("h2", { id: "relabel-title", text: "Which label is right?" }),
      input,
      options,
      el("p", { class: "soft small", text: keys ? "A digit, or arrows and Enter; Esc goes back." : "Type, arrows, Enter; Esc goes back." }),
    );
    list();
    dialog.showModal();
    if (input) input.focus();
    else {
      options.tabIndex = 0;
      options.focus();
    }
  });
}
