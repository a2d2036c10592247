// What the page knows. One object; whoever changes it tells those who listen.

export const state = {
  about: null,
  reviewer: "",
  blind: false,
  filter: { scope: "issues", status: "open", words: "" },
  row: null,
  sample: null,
  ready: false, // whether it was looked at, and may be decided
  queue: { samples: [], first: 0, total: 0, at: 0, listed: false },
  progress: null,
  last: null, // the newest own decision: what undo takes back
  revision: 0,
  kept: null, // what was decided after this revision stays in the list, so that there is a way back
};

const listeners = new Map();
export function on(event, listener) {
  if (!listeners.has(event)) listeners.set(event, []);
  listeners.get(event).push(listener);
}
export function changed(...events) {
  for (const event of events) for (const listener of listeners.get(event) ?? []) listener();
}

export const isMasks = () => state.about.kind === "segmentation";

/** The reviewer's own decision on a sample, or undefined. */
export const own = (sample) => sample.decisions.find((one) => one.reviewer === state.reviewer);
export const others = (sample) => sample.decisions.filter((one) => one.reviewer !== state.reviewer);
/** Whether others' decisions on it may be shown. */
export const mayShow = (sample) => !state.blind || Boolean(own(sample));

// Kept by the browser for this address: name, filter and place, nothing of the samples.
const key = (name) => `review ${state.about?.fingerprint ?? ""} ${name}`;
export function remember(name, value) {
  try {
    localStorage.setItem(key(name), JSON.stringify(value));
  } catch {
    // a browser that keeps nothing: the page works without
  }
}
export function remembered(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key(name))) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** The filter as a query, with who asks. */
export const query = () => ({ ...state.filter, reviewer: state.reviewer, kept: state.kept });

export const MARKS = { agree: "✓", keep: "=", relabel: "✎", exclude: "✕", unsure: "?" };

/** A decision in words: what becomes of the sample. */
export function words(decision, sample) {
  const { action, label } = decision;
  if (action === "relabel") return `relabel: ${label}`;
  if (isMasks()) {
    return { agree: "agree: proposed mask", keep: "keep the given mask" }[action] ?? action;
  }
  if (action === "keep") return sample.given ? `keep: ${sample.given}` : "keep";
  if (action === "agree") return sample.suggested ? `agree: ${sample.suggested}` : "agree: leave out";
  return action;
}
