// The image: zoom about the pointer, drag to move, every pixel when it is needed, light.
import { $, el, fill } from "./dom.js";
import { picture } from "./pictures.js";
import { brighten, currentFilter } from "./light.js";
import { state } from "./state.js";

const view = $("#view");
const sheet = $(".sheet", view);
const notice = $(".notice", view);
const photo = el("img", { class: "photo", draggable: "false" });
let size = { width: 1, height: 1 };
let shown = null; // row, slice and whether every pixel is there
let at = { scale: 1, x: 0, y: 0, fits: true };
let onZoom = () => {};
export const whenZoomed = (listener) => (onZoom = listener);

sheet.append(photo);

/** Show an image; the one before stays until this one is decoded. */
export async function show(row, slice, isCurrent) {
  try {
    const found = await picture(row, "view", slice);
    if (!isCurrent()) return false;
    const same = shown?.row === row;
    place(found);
    shown = { row, slice, whole: found.image.naturalWidth >= found.width, changed: found.changed };
    photo.alt = `Image of ${state.sample.id}`;
    tell(found.changed ? "This image has changed since the audit: its file has another content. The verdict was about the former one." : "");
    if (!same) fit();
    else draw();
    brighten(photo);
    return true;
  } catch (error) {
    if (!isCurrent()) return false;
    clear(`No picture: ${error.message}`);
    return false;
  }
}

function place(found) {
  photo.src = found.url;
  photo.hidden = false;
  size = { width: found.width, height: found.height };
}

export function clear(text) {
  shown = null;
  photo.removeAttribute("src");
  photo.hidden = true;
  fill(sheet, photo);
  tell(text);
  onZoom("");
}

function tell(text) {
  notice.textContent = text;
  notice.hidden = !text;
}

/** Layers over the photo, in order. */
export function overlay(layers) {
  fill(sheet, photo, ...layers);
}

const fitting = () => Math.min(view.clientWidth / size.width, view.clientHeight / size.height);

export function fit() {
  const scale = fitting();
  at = {
    scale,
    x: (view.clientWidth - size.width * scale) / 2,
    y: (view.clientHeight - size.height * scale) / 2,
    fits: true,
  };
  draw();
}

/** Zoom by a factor; the point (x, y) of the view stays where it is. */
export function zoom(factor, x = view.clientWidth / 2, y = view.clientHeight / 2) {
  const least = Math.min(1, fitting()) / 2;
  const scale = Math.min(Math.max(at.scale * factor, least), Math.max(40, fitting()));
  const change = scale / at.scale;
  at = { scale, x: x - (x - at.x) * change, y: y - (y - at.y) * change, fits: false };
  draw();
}

function move(dx, dy) {
  at = { ...at, x: at.x + dx, y: at.y + dy, fits: false };
  draw();
}

function draw() {
  const [width, height] = [size.width * at.scale, size.height * at.scale];
  // A part of the image stays in sight.
  const edge = 48;
  at.x = Math.min(Math.max(at.x, edge - width), view.clientWidth - edge);
  at.y = Math.min(Math.max(at.y, edge - height), view.clientHeight - edge);
  sheet.style.width = `${width}px`;
  sheet.style.height = `${height}px`;
  sheet.style.transform = `translate(${at.x}px, ${at.y}px)`;
  photo.classList.toggle("pixels", at.scale >= 8);
  photo.style.filter = currentFilter();
  view.classList.toggle("movable", !at.fits);
  if (shown) {
    onZoom(`${Math.round(100 * at.scale)} % of ${size.width} × ${size.height}`);
    needEveryPixel();
  }
}

export const redraw = draw;

async function needEveryPixel() {
  const wanted = shown;
  const pixels = photo.naturalWidth || 1;
  if (wanted.whole || size.width * at.scale * devicePixelRatio <= pixels * 1.1) return;
  wanted.whole = true;
  const found = await picture(wanted.row, "full", wanted.slice).catch(() => null);
  if (found && shown === wanted) place(found);
}

// Pointers: one drags, two pinch.
const fingers = new Map();
view.addEventListener("pointerdown", (event) => {
  if (event.button > 0) return;
  view.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, event);
});
view.addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const rest = [...fingers.values()].find((one) => one.pointerId !== event.pointerId);
  if (rest) {
    const far = (one) => Math.hypot(one.clientX - rest.clientX, one.clientY - rest.clientY);
    const box = view.getBoundingClientRect();
    const [x, y] = [(event.clientX + rest.clientX) / 2, (event.clientY + rest.clientY) / 2];
    zoom(far(event) / Math.max(1, far(before)), x - box.left, y - box.top);
  } else {
    move(event.clientX - before.clientX, event.clientY - before.clientY);
  }
  fingers.set(event.pointerId, event);
});
for (const name of ["pointerup", "pointercancel"]) {
  view.addEventListener(name, (event) => fingers.delete(event.pointerId));
}
view.addEventListener(
  "wheel",
  (event) => {
    event.preventDefault();
    const box = view.getBoundingClientRect();
    const step = event.deltaMode === 1 ? event.deltaY * 30 : event.deltaY;
    zoom(Math.exp(-step / 400), event.clientX - box.left, event.clientY - box.top);
  },
  { passive: false },
);
view.addEventListener("dblclick", (event) => {
  const box = view.getBoundingClientRect();
  if (at.fits) zoom(Math.max(2, 1 / at.scale), event.clientX - box.left, event.clientY - box.top);
  else fit();
});
new ResizeObserver(() => (at.fits ? fit() : draw())).observe(view);
