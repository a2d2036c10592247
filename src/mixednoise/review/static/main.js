// Everything together.
import { $, fill } from "./dom.js";
import { get, onTrouble } from "./api.js";
import * as viewer from "./viewer.js";
import { buildLight } from "./light.js";
import { buildLayers } from "./masks.js";
import { buildFilters } from "./filters.js";
import { buildList, hide } from "./list.js";
import { buildDetails } from "./details.js";
import { buildSimilar } from "./similar.js";
import { buildDecide, keepNote } from "./decide.js";
import { bindKeys } from "./bindings.js";
import { whoIsThere } from "./name.js";
import { follow } from "./follow.js";
import { fromStart, goOn, more, open, refilter, refresh, step } from "./navigate.js";
import { isMasks, on, remembered, state } from "./state.js";

const trouble = (text) => {
  fill($("#trouble"), text);
  $("#trouble").hidden = !text;
};

function nameAudit() {
  const name = state.about.data.split(/[\\/]/).filter(Boolean).slice(-2).join("/");
  $("#title").textContent = name;
  $("#title").title = state.about.data;
  document.title = `Review: ${name}`;
  document.body.classList.toggle("masks", isMasks());
}

function build() {
  buildFilters();
  buildLight(viewer, ...(isMasks() ? [buildLayers()] : []));
  viewer.whenZoomed((text) => fill($("#zoomed"), text));
  buildList({ open, more });
  buildDetails();
  buildSimilar({ open });
  buildDecide({ open, goOn, refresh });
  bindKeys();
  on("refilter", () => refilter().catch(() => {}));
  $("#previous").addEventListener("click", () => step(-1));
  $("#next").addEventListener("click", () => step(1));
  $("#view").addEventListener("pointerdown", hide);
  document.addEventListener("focusout", (event) => {
    if (event.target.id === "note") keepNote();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "note" || event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    event.target.blur();
  });
}

async function start() {
  onTrouble(trouble);
  // The key has done its work: it shall not stay in the address.
  history.replaceState(null, "", "/");
  state.about = await get("/api/about");
  state.revision = state.about.revision;
  nameAudit();
  await whoIsThere();
  build();
  const row = remembered("row", null);
  if (row !== null && row < state.about.samples) await open(row);
  else await fromStart();
  follow();
  document.body.classList.add("started");
}

start().catch((error) => trouble(error.message));
