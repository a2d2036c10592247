// Who reviews.
import { $, el, fill } from "./dom.js";
import { changed, remember, remembered, state } from "./state.js";

const dialog = $("#name-dialog");

/** The name from last time, the one that the server proposes, or an answer. */
export async function whoIsThere() {
  state.blind = remembered("blind", false);
  state.reviewer = state.about.reviewer || remembered("reviewer", "");
  if (state.reviewer) remember("reviewer", state.reviewer);
  else await askName();
  show();
  $("#who").addEventListener("click", askName);
}

function show() {
  $("#who").textContent = state.reviewer;
}

export function askName() {
  return new Promise((resolve) => {
    const input = el("input", { id: "name", type: "text", maxlength: 60, value: state.reviewer, required: true, autocomplete: "name", spellcheck: "false" });
    const blind = el("input", { id: "blind", type: "checkbox", checked: state.blind });
    const accept = (event) => {
      event.preventDefault();
      const name = input.value.trim().replace(/\s+/g, " ");
      if (!name) return input.focus();
      const other = name !== state.reviewer;
      state.reviewer = name;
      state.blind = blind.checked;
      remember("reviewer", name);
      remember("blind", state.blind);
      show();
      dialog.close();
      resolve();
      changed("decisions");
      if (other) changed("refilter");
    };
    // Nobody decides without a name.
    dialog.oncancel = (event) => {
      if (!state.reviewer) event.preventDefault();
    };
    dialog.onclose = () => (state.reviewer ? resolve() : dialog.showModal());
    fill(
      dialog,
      el("h2", { id: "name-title", text: "Who is reviewing?" }),
      el(
        "form",
        { onsubmit: accept },
        el("label", {}, el("span", { text: "Your name" }), input),
        el("p", { class: "soft", text: "It is kept with every decision that you take, so that several people can review the same data." }),
        el("label", { class: "check" }, blind, el("span", { text: "Show what others decided only after I have" })),
        el("div", { class: "buttons" }, el("button", { type: "submit", class: "main", text: "Start" })),
      ),
    );
    dialog.showModal();
    input.focus();
    input.select();
  });
}
