// The end of a list: what was done, and what to do next.
import { $, counted, el, fill, number } from "./dom.js";
import { choose, everything } from "./filters.js";
import { isMasks, state } from "./state.js";

export function finished(is) {
  document.body.classList.toggle("finished", is);
  const box = $("#done");
  box.hidden = !is;
  if (!is) return;
  const { progress, filter, about } = state;
  const go = (text, change) => el("button", {
    type: "button", class: "plain", text,
    onclick: () => {
      state.filter = {};
      choose({ ...everything(), ...change });
    },
  });
  const done = progress.total > 0 && filter.status !== "all";
  const differing = progress.differing && filter.status !== "differing"
    ? go(`Different opinions (${number(progress.differing)})`, { status: "differing" })
    : null;
  const mine = progress.mine && filter.status !== "mine" ? go("Look at my decisions", { status: "mine" }) : null;
  const all = filter.scope === "issues" && filter.status === "open"
    ? go("Go on with all samples", { status: "open" })
    : go("Show all samples", {});
  fill(
    box,
    el("h2", { text: done ? title(filter, progress) : "No sample matches the filter" }),
    done ? el("p", { text: `${number(progress.mine)} of ${counted(progress.total, "sample")} decided by you, ${number(progress.anybody)} by anybody.` }) : null,
    el("div", { class: "buttons" }, all, differing, mine),
    ...(progress.anybody ? next(about) : []),
  );
  if (document.activeElement === document.body) box.focus();
}

function title(filter, progress) {
  if (filter.status === "open" && progress.mine === progress.total) return "All decided";
  return {
    open: "All of these are decided", mine: "Nothing decided by you here", untouched: "Somebody has decided on each of these",
    differing: "No different opinions here", unsure: "Nothing here that you are unsure of",
  }[filter.status];
}

function next(about) {
  return [
    el("p", { class: "soft", text: isMasks() ? "Decisions become corrected masks with" : "Decisions become a corrected labels file with" }),
    el("pre", {}, el("code", { text: about.next })),
  ];
}
