// What is known of the sample, beside the image.
import { $, bar, el, fill, share } from "./dom.js";
import { changesOf } from "./masks.js";
import { isMasks, mayShow, on, others, own, state, words } from "./state.js";
import { renderSimilar } from "./similar.js";

const panel = $("#details");
const SCORES = ["exposure", "evenness", "contrast", "focus", "detail", "noise", "colour"];
const drafts = new Map(); // row -> a note that is not kept yet
const CHIPS = { train: "training", val: "validation", test: "test" };

export function buildDetails() {
  on("sample", render);
  on("decisions", () => {
    if (!state.sample) return;
    renderVerdict();
    renderDecisions();
  });
}

function render() {
  const sample = state.sample;
  $("#sample-id").textContent = sample.id;
  renderVerdict();
  fill(
    panel,
    section("Why it is here", reasons(sample)),
    el("section", { id: "decided" }),
    el("section", { id: "similar" }),
    isMasks() ? null : section("What the networks say", numbers(sample)),
    section("Image quality", quality(sample)),
  );
  renderDecisions();
  renderSimilar();
}

function section(title, content) {
  return content ? el("section", {}, el("h3", { text: title }), ...[content].flat()) : null;
}

function renderVerdict() {
  const sample = state.sample;
  const group = state.about.groups[sample.group];
  const dot = el("i", { class: "dot", "aria-hidden": "true" });
  if (group) dot.style.background = group.colour;
  const p = { correct: "p_correct", mis_h: "p_mis_h", mis_l: "p_mis_l" }[sample.group];
  const chips = [
    group ? el("span", { class: "chip" }, dot, `${group.words} ${share(sample.numbers[p])}`) : null,
    sample.split ? el("span", { class: "chip", text: CHIPS[sample.split] ?? sample.split, title: sample.split === "test" ? "Labels of the test split change only when apply is told to" : null }) : null,
    sample.differs && mayShow(sample) ? el("span", { class: "chip alarm", text: "different opinions" }) : null,
  ];
  const label = (name, text, kind) => el("span", { class: `label ${kind}` }, el("span", { class: "soft", text: name }), el("strong", { text }));
  const labels = isMasks() ? maskVerdict(sample) : [
    label("given", sample.given || "none", "given"),
    el("span", { class: "arrow", text: "→", "aria-hidden": "true" }),
    label("suggested", sample.suggested || (sample.group === "mis_l" ? "leave out" : "nothing"), sample.suggested === sample.given ? "" : "suggested"),
  ];
  fill($("#verdict"), el("div", { class: "labels" }, ...labels), el("div", { class: "chips" }, ...chips.filter(Boolean)));
}

function maskVerdict(sample) {
  const { suspected_pixels: pixels, suspected_share: part } = sample.numbers;
  const text = pixels ? `${pixels.toLocaleString("en")} suspected pixels` : "no suspected pixels";
  return [el("strong", { text }), part ? el("span", { class: "soft", text: ` ${(100 * part).toFixed(part < 0.01 ? 2 : 1)} % of the pixels` }) : null].filter(Boolean);
}

function reasons(sample) {
  const told = [...sample.reasons, ...changesOf()];
  if (!told.length) return el("p", { class: "soft", text: sample.issue ? "No reason was given." : "Nothing speaks against it." });
  return el("ul", { class: "reasons" }, ...told.map((text) => el("li", { text })));
}

/** Masks: what would change comes with the mask, after the rest. */
export function renderReasons() {
  $(".reasons", panel)?.replaceWith(reasons(state.sample));
}

function renderDecisions() {
  const box = $("#decided");
  if (!box) return;
  const sample = state.sample;
  const mine = own(sample);
  const shown = sample.decisions.filter((one) => one === mine || mayShow(sample));
  const veiled = mayShow(sample) ? 0 : others(sample).length;
  const focused = document.activeElement?.id === "note";
  fill(
    box,
    el("h3", { text: "Decisions" }),
    shown.length
      ? el("ul", { class: "decisions" }, ...shown.map((one) => decision(one, sample, one === mine)))
      : el("p", { class: "soft", text: veiled ? "Others have decided; you see it once you have." : "None yet." }),
    el("label", { class: "note" }, el("span", { class: "soft" }, "Note, kept with your decision ", el("kbd", { text: "n" })), el("textarea", {
      id: "note", rows: 2, maxlength: 2000, oninput: (event) => drafts.set(sample.row, event.target.value),
    })),
  );
  $("#note").value = drafts.get(sample.row) ?? mine?.note ?? "";
  if (focused) $("#note").focus();
}

/** The note on the sample that is shown, and what becomes of it once it is kept. */
export const noteText = () => $("#note")?.value.trim() ?? "";
export const noteKept = (row) => drafts.delete(row);

function decision(one, sample, mine) {
  const when = new Date(one.at);
  return el(
    "li",
    { class: mine ? "mine" : "" },
    el("strong", { text: mine ? "You" : one.reviewer }),
    el("span", { text: ` ${words(one, sample)}` }),
    el("time", { class: "soft", datetime: one.at, title: when.toLocaleString(), text: ago(when) }),
    one.source === "review" ? null : el("span", { class: "soft", text: ` from ${one.source}` }),
    one.note ? el("p", { class: "quote", text: one.note }) : null,
  );
}

function ago(when) {
  const minutes = Math.round((Date.now() - when) / 60000);
  if (minutes < 1) return " just now";
  if (minutes < 60) return ` ${minutes} min ago`;
  return ` ${when.toLocaleDateString()}`;
}

function numbers(sample) {
  const { numbers: n, predicted } = sample;
  const of = state.about.groups;
  const bars = Object.keys(of)
    .filter((name) => n[`p_${name}`] !== null && n[`p_${name}`] !== undefined)
    .map((name) => bar(of[name].words, n[`p_${name}`], { colour: of[name].colour }));
  if (predicted && n.confidence !== undefined) bars.push(bar(`predicted: ${predicted}`, n.confidence));
  if (sample.given !== predicted && n.self_confidence !== undefined) bars.push(bar(`given: ${sample.given}`, n.self_confidence));
  const fine = [["loss", n.loss], ["entropy", n.entropy], ["label quality", n.label_quality]]
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name} ${share(value)}`);
  return bars.length || fine.length ? [...bars, el("p", { class: "soft small", text: fine.join(" · ") })] : null;
}

function quality(sample) {
  const { numbers: n } = sample;
  const known = SCORES.filter((name) => n[name] !== null && n[name] !== undefined);
  if (n.image_quality === null || n.image_quality === undefined) return null;
  const low = (value) => value < 0.5;
  return [
    bar("overall", n.image_quality, { low: low(n.image_quality), title: "1 = good, below 0.5 = faulty" }),
    el("details", {}, el("summary", { text: "measures" }), ...known.map((name) => bar(name, n[name], { low: low(n[name]) }))),
  ];
}
