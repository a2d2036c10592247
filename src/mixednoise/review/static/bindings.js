// Which key does what.
import { $ } from "./dom.js";
import { automatic, change, invert, reset } from "./light.js";
import { hideAll, moveSlice, toSuspected, toggle } from "./masks.js";
import { search } from "./filters.js";
import { decide, undo } from "./decide.js";
import { step } from "./navigate.js";
import { buildKeys, control, help, key } from "./keys.js";
import { isMasks } from "./state.js";
import * as viewer from "./viewer.js";

// Each row: keys as they are shown, what matches, what it does in words, what it does, whether a
// key that is held down repeats it.
const decisions = () => [
  [["a"], key("a", "A"), isMasks() ? "agree: take the proposed mask" : "agree: as suggested", () => decide("agree")],
  [["k"], key("k", "K"), isMasks() ? "keep the given mask" : "keep the given label", () => decide("keep")],
  ...(isMasks() ? [] : [[["r"], key("r", "R"), "relabel: choose a class", () => decide("relabel")]]),
  [["x"], key("x", "X"), "exclude: leave it out", () => decide("exclude")],
  [["u"], key("u", "U"), "unsure: leave it as it is", () => decide("unsure")],
  [["z", "Ctrl+Z"], (event) => key("z", "Z")(event) || control("z")(event), "take back your last decision", undo],
  [["n"], key("n", "N"), "write a note", () => $("#note")?.focus()],
];
const moving = [
  [["→", "l"], key("ArrowRight", "l", "L"), "next", () => step(1), true],
  [["←", "j"], key("ArrowLeft", "j", "J"), "previous", () => step(-1), true],
  [["/"], key("/"), "search", search],
  [["?"], key("?"), "these keys", help],
];
const image = [
  [["+", "−"], key("+", "="), "zoom; the wheel and two fingers do as well", () => viewer.zoom(1.25), true],
  [null, key("-", "_"), "", () => viewer.zoom(1 / 1.25), true],
  [["0"], key("0"), "fit the whole image; drag moves it", () => viewer.fit()],
  [["b", "B"], key("b"), "brighter, darker", () => change("brightness", 1.15), true],
  [null, key("B"), "", () => change("brightness", 1 / 1.15), true],
  [["c", "C"], key("c"), "more, less contrast", () => change("contrast", 1.15), true],
  [null, key("C"), "", () => change("contrast", 1 / 1.15), true],
  [["e"], key("e", "E"), "brighten each image by itself", automatic],
  [["i"], key("i", "I"), "dark for bright", invert],
  [["v"], key("v", "V"), "light as in the file", reset],
];
const marks = [
  [["1", "2", "3"], key("1", "2", "3"), "given mask, suspected pixels, proposed mask", (event) => toggle(Number(event.key) - 1)],
  [["h"], key("h", "H"), "hide all marks, and back", hideAll],
  [["↑", "↓"], key("ArrowUp"), "slices of a volume", () => moveSlice(1), true],
  [null, key("ArrowDown"), "", () => moveSlice(-1), true],
  [["PgUp", "PgDn"], key("PageUp"), "slices with suspected pixels", () => toSuspected(1), true],
  [null, key("PageDown"), "", () => toSuspected(-1), true],
];

export const bindKeys = () =>
  buildKeys([["Decide", decisions()], ["Move", moving], ...(isMasks() ? [["Marks", marks]] : []), ["Image", image]]);
