// Samples to compare with: alike to the networks, of the same patient, the same image again.
import { $, counted, el, fill, share } from "./dom.js";
import { get } from "./api.js";
import { picture, thumbnail } from "./pictures.js";
import { marks } from "./list.js";
import { isMasks, state } from "./state.js";

const COUNT = 8;
const known = new Map();
let open = () => {};
export const buildSimilar = (actions) => ({ open } = actions);

export async function renderSimilar() {
  const box = $("#similar");
  const sample = state.sample;
  const parts = [
    part("Same image", sample.same_image, sample),
    part(state.about.group_column ? `Same ${state.about.group_column}` : "Same patient", sample.same_patient, sample),
  ];
  fill(box, ...parts, state.about.neighbours ? el("div", { id: "alike" }, el("h3", { text: "Looks alike" }), el("p", { class: "soft", text: "…" })) : null);
  if (!state.about.neighbours) return;
  try {
    const found = await nearest(sample.row);
    if (state.row === sample.row && $("#alike")) $("#alike").replaceWith(part("Looks alike", found, sample) ?? el("span"));
  } catch {
    $("#alike")?.remove();
  }
}

export async function nearest(row) {
  if (!known.has(row)) {
    if (known.size > 60) known.delete(known.keys().next().value);
    known.set(row, await get(`/api/neighbours/${row}`, { count: COUNT }));
  }
  return known.get(row);
}

function part(title, samples, sample) {
  if (!samples.length) return null;
  const shown = samples.slice(0, 24);
  const vote = isMasks() || title !== "Looks alike" ? null : el("p", { class: "vote", text: votes(samples) });
  const left = samples.length - shown.length;
  return el(
    "div",
    { id: title === "Looks alike" ? "alike" : null },
    el("h3", { text: title }),
    vote,
    el("ul", { class: "thumbs" }, ...shown.map((other) => card(other, sample))),
    left ? el("p", { class: "soft small", text: `and ${counted(left, "more sample")}` }) : null,
  );
}

/** `6 cataract, 2 normal`: what the others are labelled as. */
function votes(samples) {
  const counts = new Map();
  for (const { given } of samples) counts.set(given, (counts.get(given) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([label, count]) => `${count} × ${label}`).join(", ");
}

function card(other, sample) {
  const image = el("img", { alt: "", loading: "lazy" });
  thumbnail(image, other.row);
  const agrees = other.given === sample.given ? "as-given" : other.given === sample.suggested ? "as-suggested" : "";
  return el(
    "li",
    {},
    el(
      "button",
      {
        type: "button", class: `thumb ${agrees}`, onclick: () => peek(other),
        title: `${other.id}${other.similarity === undefined ? "" : `, similarity ${share(other.similarity)}`}`,
      },
      image,
      isMasks() ? el("span", { class: "thumb-label", text: other.id }) : el("span", { class: "thumb-label", text: other.given }),
      el("span", { class: "item-marks" }, ...marks(other)),
    ),
  );
}

/** Another sample beside this one, without leaving it. */
async function peek(other) {
  const dialog = $("#peek-dialog");
  const image = (name) => el("img", { alt: `Image of ${name}` });
  const [left, right] = [image(state.sample.id), image(other.id)];
  const side = (picture, sample, text) => el("figure", {}, picture, el("figcaption", {}, el("strong", { text: isMasks() ? sample.id : sample.given }), el("span", { class: "soft", text })));
  fill(
    dialog,
    el("h2", { id: "peek-title", text: other.id }),
    el("div", { class: "beside" }, side(left, state.sample, "this sample"), side(right, other, told(other))),
    el(
      "div",
      { class: "buttons" },
      el("button", { type: "button", class: "plain", text: "Go to it", onclick: () => { dialog.close(); open(other.row); } }),
      el("button", { type: "button", class: "main", text: "Close", autofocus: true, onclick: () => dialog.close() }),
    ),
  );
  dialog.showModal();
  for (const [target, row] of [[left, state.row], [right, other.row]]) {
    picture(row).then((found) => (target.src = found.url), () => target.classList.add("missing"));
  }
}

function told(other) {
  const group = state.about.groups[other.group]?.words;
  const parts = [group, other.similarity === undefined ? null : `similarity ${share(other.similarity)}`];
  return parts.filter(Boolean).join(", ");
}
