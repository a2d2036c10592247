// Brightness, contrast and inversion: of what is seen, never of the file.
import { $, el, fill } from "./dom.js";

const WIDEST = { brightness: [0.3, 6], contrast: [0.3, 4] };
const light = { brightness: 1, contrast: 1, inverted: false, automatic: false };
let redraw = () => {};
let zooming = {};
const inputs = {};

export function currentFilter() {
  const { brightness, contrast, inverted } = light;
  if (brightness === 1 && contrast === 1 && !inverted) return "none";
  return `brightness(${brightness}) contrast(${contrast})${inverted ? " invert(1)" : ""}`;
}

/** Build the bar: zoom, light, and what else belongs to the image. */
export function buildLight(actions, ...more) {
  redraw = actions.redraw;
  zooming = actions;
  const button = (text, label, handler) =>
    el("button", { type: "button", class: "plain", "aria-label": label, title: label, text, onclick: handler });
  fill(
    $("#light"),
    el(
      "div",
      { class: "tools" },
      button("−", "Zoom out (-)", () => zooming.zoom(1 / 1.25)),
      button("+", "Zoom in (+)", () => zooming.zoom(1.25)),
      button("Fit", "Fit the image (0)", () => zooming.fit()),
      el("span", { id: "zoomed", class: "soft" }),
    ),
    el(
      "div",
      { class: "tools" },
      slider("brightness", "Brightness (b, B)", "☀"),
      slider("contrast", "Contrast (c, C)", "◐"),
      toggle("automatic", "Auto", "Brighten dim images (e)"),
      toggle("inverted", "Invert", "Dark for bright (i)"),
      button("Reset", "Light as in the file (v)", reset),
    ),
    ...more,
  );
}

function slider(name, label, sign) {
  const [low, high] = WIDEST[name].map(Math.log);
  inputs[name] = el("input", {
    type: "range", min: low, max: high, step: 0.01, value: 0, "aria-label": label, title: label,
    oninput: (event) => {
      light.automatic = false;
      set(name, Math.exp(Number(event.target.value)));
    },
  });
  return el("label", { class: "slider" }, el("span", { text: sign, "aria-hidden": "true" }), inputs[name]);
}

function toggle(name, text, label) {
  inputs[name] = el("button", {
    type: "button", class: "plain", text, title: label, "aria-label": label, "aria-pressed": "false",
    onclick: () => (name === "inverted" ? invert() : automatic()),
  });
  return inputs[name];
}

function set(name, value) {
  const [low, high] = WIDEST[name];
  light[name] = Math.min(high, Math.max(low, value));
  update();
}

export function change(name, factor) {
  light.automatic = false;
  set(name, light[name] * factor);
}
export function invert() {
  light.inverted = !light.inverted;
  update();
}
export function reset() {
  Object.assign(light, { brightness: 1, contrast: 1, inverted: false, automatic: false });
  update();
}
export function automatic() {
  light.automatic = !light.automatic;
  if (light.automatic) brighten($(".photo"));
  else Object.assign(light, { brightness: 1, contrast: 1 });
  update();
}

function update() {
  inputs.brightness.value = Math.log(light.brightness);
  inputs.contrast.value = Math.log(light.contrast);
  for (const name of ["inverted", "automatic"]) inputs[name].setAttribute("aria-pressed", light[name]);
  redraw();
}

/** Where it is switched on: spread the grey values of an image over the whole range. */
export function brighten(photo) {
  if (!light.automatic || !photo.naturalWidth) return;
  const side = 96;
  const canvas = el("canvas", { width: side, height: side });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(photo, 0, 0, side, side);
  const { data } = context.getImageData(0, 0, side, side);
  const grey = [];
  for (let i = 0; i < data.length; i += 4) {
    const value = (0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]) / 255;
    if (value > 0.03) grey.push(value); // the black around the field of view says nothing
  }
  if (grey.length < 50) return;
  grey.sort((a, b) => a - b);
  const low = grey[Math.floor(grey.length * 0.02)] * 0.6;
  const high = Math.min(1, grey[Math.floor(grey.length * 0.985)] * 1.15);
  // brightness, then contrast about the middle: low becomes 0, high becomes 1.
  const span = Math.max(0.05, high - low);
  light.contrast = 1 + (2 * low) / span;
  light.brightness = 1 / (light.contrast * span);
  update();
}
