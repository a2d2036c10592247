// Talking to the server on this machine.

export class Refused extends Error {
  constructor(status, problem) {
    super(problem);
    this.status = status;
  }
}

const listeners = [];
/** Called with "" when the server answers, else with what is wrong. */
export const onTrouble = (listener) => listeners.push(listener);
const tell = (text) => listeners.forEach((listener) => listener(text));

export const GONE =
  "The server does not answer. Everything decided so far is kept; start mixednoise review again " +
  "and open the address that it prints.";
const LOCKED =
  "The server was started anew: open the address that it has printed. Everything decided so far is kept.";

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (options?.signal?.aborted) throw error;
    tell(GONE);
    throw new Refused(0, GONE);
  }
  if (answer.ok) {
    tell("");
    return answer;
  }
  if (answer.status === 401) tell(LOCKED);
  const told = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, told.problem ?? `the server says ${answer.status}`);
}

export const get = async (path, query) => (await ask(withQuery(path, query))).json();

export async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return (await ask(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
}

export const file = (path, query) => ask(withQuery(path, query));

/** The path with those parameters that have a value; the empty text is one. */
export function withQuery(path, query) {
  const known = Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined);
  const text = new URLSearchParams(known).toString();
  return text ? `${path}?${text}` : path;
}
