// Masks: outlines and suspected pixels over the image, each switched on and off; slices.
import { $, el, fill, number } from "./dom.js";
import { get } from "./api.js";
import { layer, picture } from "./pictures.js";
import { overlay, show } from "./viewer.js";
import { remember, remembered, state } from "./state.js";

const NAMES = { given: "Given mask", suspected: "Suspected pixels", proposed: "Proposed mask" };
const settings = {
  given: { on: true, opacity: 1 },
  suspected: { on: true, opacity: 0.45 },
  proposed: { on: true, opacity: 1 },
};
let hidden = false;
let of = null; // only this class
let mask = null; // what the server knows of it
let slice = 0;
const images = {};
const bar = el("div", { class: "layers", role: "group", "aria-label": "Marks on the image" });

/** The bar of layers; its element. */
export function buildLayers() {
  const kept = remembered("layers", {});
  for (const name of Object.keys(NAMES)) Object.assign(settings[name], kept[name]);
  Object.keys(NAMES).forEach((name, place) => {
    images[name] = el("img", { class: `layer ${name}`, alt: "", draggable: "false" });
    const swatch = el("i", { class: `swatch ${name}` });
    swatch.style.color = state.about.colours[name];
    const button = el(
      "button",
      { type: "button", class: "plain", id: `layer-${name}`, title: `${NAMES[name]} (${place + 1})`, onclick: () => toggle(place) },
      swatch,
      el("span", { text: NAMES[name] }),
      el("kbd", { text: place + 1 }),
    );
    const range = el("input", {
      type: "range", min: 0.05, max: 1, step: 0.05, value: settings[name].opacity,
      "aria-label": `Opacity: ${NAMES[name]}`, title: `Opacity: ${NAMES[name]}`,
      oninput: (event) => set(name, { opacity: Number(event.target.value), on: true }),
    });
    bar.append(el("div", { class: "layer-control" }, button, range));
  });
  bar.append(el("select", {
    id: "layer-class", "aria-label": "Class that is drawn", hidden: true,
    onchange: (event) => {
      of = event.target.value === "" ? null : Number(event.target.value);
      draw(() => true);
    },
  }));
  update();
  return bar;
}

function set(name, change) {
  Object.assign(settings[name], change);
  hidden = false;
  remember("layers", settings);
  update();
}

export function toggle(place) {
  const name = Object.keys(NAMES)[place];
  set(name, { on: hidden || !settings[name].on });
}

/** All marks away, and back. */
export function hideAll() {
  hidden = !hidden;
  update();
}

function update() {
  for (const [name, { on, opacity }] of Object.entries(settings)) {
    images[name].hidden = hidden || !on || !images[name].src;
    images[name].style.opacity = opacity;
    $(`#layer-${name}`, bar)?.setAttribute("aria-pressed", String(on && !hidden));
  }
}

/** Show a case: its image, then its marks. */
export async function showMask(row, isCurrent) {
  mask = null;
  const told = await get(`/api/mask/${row}`);
  if (!isCurrent()) return false;
  mask = told;
  slice = told.shown;
  const names = $("#layer-class", bar);
  names.hidden = told.classes.length < 2;
  if (!told.classes.some((one) => one.index === of)) of = null;
  fill(
    names,
    el("option", { value: "", text: "all classes" }),
    told.classes.map((one) => el("option", { value: one.index, text: one.name, selected: one.index === of })),
  );
  buildSlices();
  return draw(isCurrent);
}

export const changesOf = () => mask?.changes ?? [];

async function draw(isCurrent) {
  const [row, at] = [state.row, mask.slices > 1 ? slice : null];
  const still = () => isCurrent() && row === state.row && (at === null || at === slice);
  const marks = Promise.all(Object.keys(NAMES).map((name) => layer(row, name, at, of)));
  marks.catch(() => {});
  if (!(await show(row, at, still))) return false;
  const found = await marks.catch(() => null);
  if (!found || !still()) return Boolean(found);
  Object.keys(NAMES).forEach((name, place) => (images[name].src = found[place].url));
  // Lines lie on top of what is filled.
  overlay([images.suspected, images.given, images.proposed]);
  update();
  ahead(row);
  return true;
}

/** Decode what comes next: the slices beside this one. */
function ahead(row) {
  if (mask.slices < 2) return;
  for (const near of [slice + 1, slice - 1, slice + 2]) {
    if (near < 0 || near >= mask.slices) continue;
    picture(row, "view", near).catch(() => {});
    Object.keys(NAMES).forEach((name) => layer(row, name, near, of).catch(() => {}));
  }
}

export async function prefetchMask(row) {
  const told = await get(`/api/mask/${row}`).catch(() => null);
  if (!told) return;
  const at = told.slices > 1 ? told.shown : null;
  picture(row, "view", at).catch(() => {});
  Object.keys(NAMES).forEach((name) => layer(row, name, at, null).catch(() => {}));
}

function buildSlices() {
  const box = $("#slices");
  box.hidden = mask.slices < 2;
  if (box.hidden) return;
  const most = Math.max(1, ...mask.suspected);
  const bars = el("div", { class: "slice-bars", "aria-hidden": "true" });
  bars.append(...mask.suspected.map((count) => {
    const one = el("i");
    one.style.height = `${count ? Math.max(8, (100 * count) / most) : 0}%`;
    return one;
  }));
  fill(
    box,
    el("button", { type: "button", class: "plain", text: "‹ suspected", title: "Former slice with suspected pixels (page up)", onclick: () => toSuspected(-1) }),
    el("div", { class: "slice-range" }, bars, el("input", {
      id: "slice", type: "range", min: 0, max: mask.slices - 1, value: slice, "aria-label": "Slice",
      title: "Slice (arrows up and down)", oninput: (event) => toSlice(Number(event.target.value)),
    })),
    el("button", { type: "button", class: "plain", text: "suspected ›", title: "Next slice with suspected pixels (page down)", onclick: () => toSuspected(1) }),
    el("span", { id: "slice-told", class: "soft" }),
  );
  tellSlice();
}

function tellSlice() {
  const input = $("#slice");
  if (!input) return;
  input.value = slice;
  const text = `slice ${slice + 1} of ${mask.slices}, ${number(mask.suspected[slice])} suspected`;
  input.setAttribute("aria-valuetext", text);
  $("#slice-told").textContent = text;
}

export function toSlice(place) {
  if (!mask || mask.slices < 2) return;
  slice = Math.min(mask.slices - 1, Math.max(0, place));
  tellSlice();
  draw(() => true);
}
export const moveSlice = (step) => toSlice(slice + step);

export function toSuspected(step) {
  if (!mask) return;
  for (let near = slice + step; near >= 0 && near < mask.slices; near += step) {
    if (mask.suspected[near]) return toSlice(near);
  }
}
