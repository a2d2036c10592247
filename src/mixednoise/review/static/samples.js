// What is known of samples, for a while; decisions in it are kept up.
import { get } from "./api.js";
import { state } from "./state.js";

const MOST = 80;
const known = new Map();

/** A sample by its row; asked for once. */
export function sampleOf(row) {
  if (!known.has(row)) {
    if (known.size >= MOST) known.delete(known.keys().next().value);
    const asked = get(`/api/sample/${row}`);
    asked.catch(() => known.delete(row));
    known.set(row, asked);
  }
  return known.get(row);
}

export const forget = () => known.clear();

/** Take over decisions, wherever they were made. */
export async function learn(news) {
  for (const { row, decisions, differs } of news) {
    for (const one of state.queue.samples) if (one.row === row) Object.assign(one, { decisions, differs });
    if (known.has(row)) Object.assign(await known.get(row), { decisions, differs });
  }
}
