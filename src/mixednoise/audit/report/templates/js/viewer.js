// One image, large, with everything that is known of it.
function startViewer() {
  const dialog = document.getElementById("viewer");
  const part = (name) => document.getElementById(`viewer-${name}`);
  let cards = [];
  let at = 0;

  function show(place) {
    at = (place + cards.length) % cards.length;
    const card = cards[at];
    part("title").textContent = card.querySelector(".id").textContent;
    part("place").textContent = cards.length > 1 ? `${at + 1} of ${cards.length}` : "";
    part("back").hidden = part("on").hidden = cards.length < 2;
    const picture = card.querySelector(".frame img, .frame .gone").cloneNode(true);
    part("picture").replaceChildren(picture);
    const body = card.querySelector(".body").cloneNode(true);
    body.querySelector(".id").remove();
    body.querySelector(".facts")?.removeAttribute("hidden");
    part("text").replaceChildren(body);
  }

  function open(card, among) {
    cards = among.length ? among : [card];
    show(Math.max(0, cards.indexOf(card)));
    dialog.showModal();
  }

  const shownWith = (card) =>
    [...(card.closest("[data-viewable], [data-gallery]") ?? card).querySelectorAll(".card:not([hidden])")];

  for (const card of document.querySelectorAll(".card")) {
    const frame = card.querySelector(".frame");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "open";
    button.setAttribute("aria-label", `enlarge ${card.querySelector(".id").textContent}`);
    button.append(...frame.childNodes);
    frame.append(button);
    button.addEventListener("click", () => open(card, shownWith(card)));
  }
  part("back").addEventListener("click", () => show(at - 1));
  part("on").addEventListener("click", () => show(at + 1));
  part("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    if (cards.length < 2) return;
    if (event.key === "ArrowLeft") show(at - 1);
    else if (event.key === "ArrowRight") show(at + 1);
    else return;
    event.preventDefault();
  });
  return { open: (card) => open(card, [card]) };
}
