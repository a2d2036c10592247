// From one sample to the next.
import { $, number, say } from "./dom.js";
import { get } from "./api.js";
import { picture } from "./pictures.js";
import * as viewer from "./viewer.js";
import { prefetchMask, showMask } from "./masks.js";
import { renderReasons } from "./details.js";
import { finished } from "./finished.js";
import { forget, sampleOf } from "./samples.js";
import { changed, isMasks, own, query, remember, state } from "./state.js";

const [BEFORE, AFTER, MOST] = [12, 40, 200];
// Nobody has looked at what is shown for fewer milliseconds: a key that was hit twice.
const SEEN = 200;
let turn = 0;
let length = AFTER;
let listing = Promise.resolve(); // the list around the sample that is shown

async function fetchQueue(around = state.row, isCurrent = () => true) {
  const found = await get("/api/queue", { ...query(), around, before: BEFORE, after: length });
  if (!isCurrent()) return;
  state.kept ??= found.revision;
  state.queue = found;
  Object.assign(state, { progress: found.progress, last: found.last });
}

/** Show a sample, in the list or not: at once what is known, then the list around it. */
export async function open(row) {
  const mine = ++turn;
  const isCurrent = () => mine === turn;
  mayBeDecided(false);
  listing = list(row, isCurrent);
  try {
    const sample = await sampleOf(row);
    if (!isCurrent()) return;
    finished(false);
    Object.assign(state, { row, sample });
    remember("row", row);
    changed("sample", "queue", "decisions");
    tellPlace();
    const shown = isMasks() ? await showMask(row, isCurrent) : await viewer.show(row, null, isCurrent);
    if (!isCurrent()) return;
    if (isMasks() && shown) renderReasons();
  } catch (error) {
    if (!isCurrent()) return;
    viewer.clear(`No picture: ${error.message}`);
  }
  // A sample without a picture can be decided as well, but not one of which nothing is known.
  if (state.row === row) setTimeout(() => isCurrent() && mayBeDecided(true), SEEN);
  await listing;
  if (isCurrent()) ahead();
}

async function list(row, isCurrent) {
  try {
    await fetchQueue(row, isCurrent);
  } catch {
    return; // told by the bar
  }
  if (!isCurrent() || state.row !== row) return;
  changed("queue", "decisions");
  tellPlace();
}

function mayBeDecided(may) {
  state.ready = may;
  document.body.classList.toggle("ready", may);
}

function tellPlace() {
  const place = here();
  const { first, total } = state.queue;
  const text = place < 0 ? `${number(total)} in the list` : `${number(first + place + 1)} of ${number(total)}`;
  $("#sample-place").textContent = own(state.sample) ? `${text} · decided` : text;
}

/** Where the sample is among those of the list that are known; -1 = it is none of them. */
const here = () => state.queue.samples.findIndex((one) => one.row === state.row);

/** The sample of the list that comes after (1) or before (-1) the one that is shown. */
function beside(step) {
  const { samples, first, at } = state.queue;
  const place = here();
  return place < 0 ? samples[at - first - (step < 0 ? 1 : 0)] : samples[place + step];
}

export async function step(by) {
  if (!beside(by)) await listing;
  const found = beside(by);
  if (found) await open(found.row);
  else say(by > 0 ? "This is the last one." : "This is the first one.");
}

/** After a decision: the sample that the server names, or the end. */
export async function goOn(row) {
  if (row !== null) return open(row);
  await fetchQueue();
  return end();
}

/** The first sample of the list that is not decided, else the first one at all. */
export async function fromStart() {
  await fetchQueue(null);
  const { samples } = state.queue;
  const first = samples.find((one) => !own(one)) ?? samples[0];
  return first ? open(first.row) : end();
}

function end() {
  turn += 1;
  finished(true);
  changed("queue", "decisions");
}

/** Decode what comes next, so that it is there at once. */
function ahead() {
  const { samples } = state.queue;
  const place = here();
  const next = samples.slice(place + 1).filter((one) => !own(one)).slice(0, isMasks() ? 2 : 4);
  for (const { row } of [...next, ...samples.slice(Math.max(0, place - 1), Math.max(0, place))]) {
    sampleOf(row).catch(() => {});
    if (isMasks()) prefetchMask(row);
    else picture(row).catch(() => {});
  }
}

/** Another filter or reviewer: the same sample where the list has it, else its first one. */
export async function refilter() {
  const mine = ++turn;
  length = AFTER;
  state.kept = null;
  await fetchQueue();
  if (mine !== turn) return; // the reviewer has gone on already
  return state.row !== null && state.queue.listed ? open(state.row) : fromStart();
}

/** Everything as the server has it now. */
export async function refresh() {
  forget();
  if (state.row !== null) await open(state.row);
}

/** More of the list. */
export async function more() {
  length = Math.min(MOST, length + AFTER);
  await fetchQueue();
  changed("queue");
}
