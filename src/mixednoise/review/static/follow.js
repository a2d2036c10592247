// What other reviewers, and this one in other windows, decide meanwhile; how far everybody is.
import { $, number, say } from "./dom.js";
import { get } from "./api.js";
import { learn } from "./samples.js";
import { changed, mayShow, on, others, query, state, words } from "./state.js";

const POLL = 2500;

export function follow() {
  on("decisions", tellProgress);
  tellProgress();
  setTimeout(poll, POLL);
}

async function poll() {
  if (!document.hidden) {
    try {
      const told = await get("/api/changes", { ...query(), since: state.revision });
      if (told.revision > state.revision) await take(told);
    } catch {
      // the bar tells of it; the next time may do
    }
  }
  setTimeout(poll, POLL);
}

async function take(told) {
  const before = state.sample ? others(state.sample).map((one) => one.number) : [];
  state.revision = told.revision;
  await learn(told.samples);
  Object.assign(state, { progress: told.progress, last: told.last });
  changed("decisions");
  if (!state.sample || !mayShow(state.sample)) return;
  const news = others(state.sample).filter((one) => !before.includes(one.number));
  if (news.length) say(news.map((one) => `${one.reviewer} has decided: ${words(one, state.sample)}.`).join(" "), "news");
}

function tellProgress() {
  const { progress } = state;
  if (!progress) return;
  const part = (count) => `${progress.total ? (100 * count) / progress.total : 0}%`;
  const track = $("#progress .track");
  track.setAttribute("aria-valuemax", progress.total);
  track.setAttribute("aria-valuenow", progress.mine);
  $(".mine", track).style.width = part(progress.mine);
  $(".anybody", track).style.width = part(progress.anybody);
  const text = [`${number(progress.mine)} of ${number(progress.total)} by you`];
  if (progress.anybody > progress.mine) text.push(`${number(progress.anybody)} by anybody`);
  if (progress.differing && !state.blind) text.push(`${number(progress.differing)} ≠`);
  $("#progress .told").textContent = text.join(" · ");
  $("#progress").title = progress.reviewers.map((one) => `${one.name} ${number(one.decided)}`).join(", ");
}
