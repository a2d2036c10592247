// Which samples are shown.
import { $, el, fill, number } from "./dom.js";
import { changed, isMasks, on, remember, remembered, state } from "./state.js";

const STATUS = [
  ["open", "I have not decided"],
  ["all", "All"],
  ["mine", "I have decided"],
  ["untouched", "Nobody has decided"],
  ["differing", "Different opinions"],
  ["unsure", "I am unsure"],
];
const form = $("#filters");
let waiting = 0;

export const everything = () => ({ scope: "all", status: "all", words: "" });
export const atFirst = () => ({
  scope: state.about.issues ? "issues" : "all", status: "open", words: "",
});

export function buildFilters() {
  state.filter = { ...atFirst(), ...remembered("filter", {}) };
  form.addEventListener("submit", (event) => event.preventDefault());
  $("#show-filters").addEventListener("click", () => showFilters(form.hidden));
  showFilters(remembered("filters shown", false));
  render();
  on("filter", render);
}

export function showFilters(wanted) {
  form.hidden = !wanted;
  $("#show-filters").setAttribute("aria-expanded", wanted);
  remember("filters shown", wanted);
}

/** Change the filter; null takes a part of it away. */
export function choose(change) {
  const filter = { ...state.filter, ...change };
  state.filter = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== null));
  remember("filter", state.filter);
  changed("filter", "refilter");
}

function render() {
  const { facets, samples, issues } = state.about;
  const groups = (facets.group ?? []).map(([name, count]) => [name, state.about.groups[name]?.words ?? "not judged", count]);
  const plain = (name, none) => (facets[name] ?? []).map(([value, count]) => [value, value || none, count]);
  const scope = [["issues", isMasks() ? "Suspicious masks" : "Suspicious labels", issues], ["all", "All samples", samples]];
  const focused = document.activeElement?.id;
  fill(
    form,
    select("scope", "Samples", scope, { always: true }),
    select("status", "Decided", STATUS.map(([value, text]) => [value, text]), { always: true }),
    isMasks() ? select("worst", "Worst class", plain("worst_class", "none")) : [
      select("group", "Verdict", groups),
      select("given", "Given label", plain("given_label", "none")),
      select("suggested", "Suggested", plain("suggested_label", "none")),
    ],
    select("split", "Split", plain("split", "none")),
    select("fault", "Image", facets.fault.map(([value, count]) => [value, value, count])),
    el("label", { class: "field" }, el("span", { text: "Search" }), el("input", {
      id: "words", type: "search", value: state.filter.words, maxlength: 200,
      placeholder: "name or reason", autocomplete: "off", spellcheck: "false",
      oninput: (event) => {
        clearTimeout(waiting);
        waiting = setTimeout(() => choose({ words: event.target.value }), 250);
      },
    })),
    el("button", { type: "button", class: "plain", text: "Clear", title: "Back to what is shown at first", onclick: () => {
      state.filter = {};
      choose(atFirst());
    } }),
  );
  if (focused) $(`#${CSS.escape(focused)}`, form)?.focus();
  const set = Object.entries(state.filter).filter(([name, value]) => value !== (atFirst()[name] ?? null));
  const button = $("#show-filters");
  button.textContent = set.length ? `Filter (${set.length})` : "Filter";
  button.classList.toggle("active", set.length > 0);
}

function select(name, text, values, options = {}) {
  if (!options.always && values.length < 2 && !(values.length && state.filter[name] !== undefined)) return null;
  const chosen = state.filter[name];
  return el(
    "label",
    { class: "field" },
    el("span", { text }),
    el(
      "select",
      {
        id: `filter-${name}`,
        onchange: (event) => choose({ [name]: event.target.value === "*" ? null : event.target.value.slice(1) }),
      },
      options.always ? null : el("option", { value: "*", text: "any" }),
      // A leading sign tells the empty value from no filter.
      ...values.map(([value, shown, count]) =>
        el("option", {
          value: `=${value}`, selected: chosen === value,
          text: count === undefined ? shown : `${shown} (${number(count)})`,
        })),
    ),
  );
}

export function search() {
  showFilters(true);
  $("#words").focus();
  $("#words").select();
}
