// Decisions: on the server's disk before the page says so.
import { $, el, fill, say } from "./dom.js";
import { post, withQuery } from "./api.js";
import { noteKept, noteText } from "./details.js";
import { chooseClass } from "./relabel.js";
import { learn } from "./samples.js";
import { changed, isMasks, on, others, own, state, words } from "./state.js";

let working = false;
let noting = Promise.resolve();
let actions = {};

export function buildDecide(given) {
  actions = given;
  on("sample", render);
  on("decisions", render);
  // Enter that is held down on a button presses it again and again.
  $("#actions").addEventListener("keydown", (event) => event.repeat && event.key === "Enter" && event.preventDefault());
}

/** name, key, title, what becomes of the sample */
function buttons(sample) {
  const agree = sample.suggested || "leave out";
  return isMasks()
    ? [
        ["agree", "a", "Agree", sample.numbers.suspected_pixels ? "proposed mask" : "nothing to change"],
        ["keep", "k", "Keep", "given mask"],
        ["exclude", "x", "Exclude", "leave it out"],
        ["unsure", "u", "Unsure", "leave as it is"],
      ]
    : [
        ["agree", "a", "Agree", agree],
        ["keep", "k", "Keep", sample.given],
        ["relabel", "r", "Relabel", "another class"],
        ["exclude", "x", "Exclude", "leave it out"],
        ["unsure", "u", "Unsure", "leave as it is"],
      ];
}

function render() {
  const sample = state.sample;
  if (!sample) return;
  const mine = own(sample);
  const focused = document.activeElement?.dataset?.action;
  fill(
    $("#actions"),
    buttons(sample).map(([action, key, title, text]) => {
      const chosen = mine?.action === action;
      return button(action, key, title, chosen && action === "relabel" ? mine.label : text, chosen, () => decide(action));
    }),
    button("undo", "z", "Undo", state.last ? "last decision" : "nothing", false, undo, !state.last),
  );
  if (focused) $(`[data-action=${focused}]`)?.focus();
}

function button(action, key, title, text, chosen, onclick, disabled = false) {
  return el(
    "button",
    { type: "button", "data-action": action, "aria-pressed": action === "undo" ? null : String(chosen), "aria-keyshortcuts": key, onclick, disabled },
    el("span", { class: "action-title" }, el("kbd", { text: key, "aria-hidden": "true" }), ` ${title}`),
    el("span", { class: "action-text", text }),
  );
}

function mayDecide() {
  if (!state.sample || working || document.body.classList.contains("finished")) return false;
  if (!state.ready) {
    say("This sample has only just appeared: look at it first.");
    return false;
  }
  return true;
}

export async function decide(action) {
  await noting; // leaving the note has kept it with the decision that stood
  if (!mayDecide()) return;
  if (action === "relabel") {
    const label = await chooseClass(state.sample);
    if (label !== null) await send(action, label, true);
    return;
  }
  await send(action, "", true);
}

/** A note on what is decided already: the same decision again, with the note. */
export function keepNote() {
  const mine = state.sample && own(state.sample);
  if (!mine || working || noteText() === mine.note) return;
  noting = send(mine.action, mine.label, false);
}

async function send(action, label, goOn) {
  const sample = state.sample;
  working = true;
  $("#actions").classList.add("working");
  try {
    const told = await post(withQuery("/api/decide", state.filter), {
      row: sample.row, reviewer: state.reviewer, action, label,
      note: noteText(), replaces: own(sample)?.number ?? 0,
    });
    await learn([told]);
    state.last = { ...told.made, row: told.row };
    noteKept(told.row);
    changed("decisions");
    const what = words(told.made, sample);
    if (goOn) await actions.goOn(told.next);
    const differs = told.differs ? ` Others want something else: ${others(told).map((one) => one.reviewer).join(", ")}.` : "";
    say(`${sample.id}: ${what}.${differs}${doneText()}`, told.differs ? "differs" : "");
  } catch (error) {
    await refused(error, "Not kept");
  } finally {
    working = false;
    $("#actions").classList.remove("working");
  }
}

export async function undo() {
  if (working) return;
  if (!state.last) {
    say("There is nothing to take back.");
    return;
  }
  working = true;
  try {
    const told = await post("/api/undo", { reviewer: state.reviewer, number: state.last.number });
    await learn([told]);
    await actions.open(told.row);
    say(`Taken back: ${words(told.taken, state.sample)} on ${state.sample.id}.`);
  } catch (error) {
    await refused(error, "Not taken back");
  } finally {
    working = false;
  }
}

async function refused(error, what) {
  // Somebody (perhaps this reviewer, in another window) was faster: show what is there now.
  if (error.status === 409) await actions.refresh();
  say(`${what}: ${error.message}.${error.status === 409 ? " Look again, then decide." : ""}`, "wrong");
}

function doneText() {
  const { progress } = state;
  return progress ? ` ${progress.mine} of ${progress.total} by you.` : "";
}
