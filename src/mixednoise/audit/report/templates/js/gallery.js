// Filters, sorting and pages of the galleries.
const PAGE = innerWidth > 620 ? 24 : 12;
const byText = new Intl.Collator(undefined, { numeric: true });

function startGalleries() {
  const started = {};
  for (const root of document.querySelectorAll("[data-gallery]")) {
    started[root.dataset.gallery] = startGallery(root);
  }
  return started;
}

function startGallery(root) {
  const list = root.querySelector(".cards");
  const cards = [...list.children].map((element, place) => ({
    element, place,
    id: element.querySelector(".id").textContent,
    text: element.textContent.toLowerCase(),
    given: element.dataset.given,
    suggested: element.dataset.suggested,
    p: Number(element.dataset.p ?? -1),
    image: Number(element.dataset.image ?? 2),
  }));
  const inputs = Object.fromEntries(
    [...root.querySelectorAll("[data-filter]")].map((input) => [input.dataset.filter, input]));
  const names = new Map([...inputs.given.options].map((option, place) => [option.value, place]));
  const orders = {
    "": (a, b) => a.place - b.place,
    p: (a, b) => b.p - a.p || a.place - b.place,
    id: (a, b) => byText.compare(a.id, b.id),
    given: (a, b) => (names.get(a.given) ?? -1) - (names.get(b.given) ?? -1) || a.place - b.place,
    image: (a, b) => a.image - b.image || a.place - b.place,
  };
  const output = root.querySelector("output");
  const more = root.querySelector(".more");
  let limit = PAGE;

  function update(reset = true) {
    if (reset) limit = PAGE;
    const text = inputs.text.value.trim().toLowerCase();
    const fit = cards.filter((card) =>
      (!inputs.given.value || card.given === inputs.given.value) &&
      (!inputs.suggested?.value || card.suggested === inputs.suggested.value) &&
      (!text || card.text.includes(text)));
    fit.sort(orders[inputs.sort.value]);
    const shown = new Set(fit.slice(0, limit));
    for (const card of cards) card.element.hidden = !shown.has(card);
    list.prepend(...[...shown].map((card) => card.element));
    const left = fit.length - shown.size;
    output.textContent = `${shown.size} of ${fit.length} shown`;
    more.hidden = !left;
    more.firstElementChild.textContent = `show ${Math.min(left, PAGE)} more`;
    root.querySelector(".none").hidden = fit.length > 0;
    return shown.size;
  }

  for (const input of Object.values(inputs)) input.addEventListener("input", () => update());
  root.querySelector("[data-reset]").addEventListener("click", () => {
    for (const input of Object.values(inputs)) input.value = "";
    update();
  });
  more.firstElementChild.addEventListener("click", () => {
    const before = limit;
    limit += PAGE;
    update(false);
    // The keyboard goes on where the new images begin.
    list.querySelectorAll(":scope > :not([hidden]) .open")[before]?.focus();
  });
  // Filters of one or two images would only be in the way.
  root.querySelector(".tools").hidden = cards.length < 3;
  update();
  return {
    root,
    show(given, suggested) {
      inputs.text.value = "";
      inputs.given.value = given;
      if (inputs.suggested) inputs.suggested.value = suggested;
      return update();
    },
  };
}

// Groups of copies: the first few, until the reader wants more.
function startGroups() {
  const list = document.querySelector(".groups");
  if (!list) return;
  const more = list.nextElementSibling;
  const first = 6;
  const turn = (limit) => {
    [...list.children].forEach((group, place) => {
      group.hidden = place >= limit;
      for (const card of group.querySelectorAll(".card")) card.hidden = group.hidden;
    });
    const left = list.children.length - limit;
    more.hidden = left <= 0;
    more.firstElementChild.textContent = `show ${left} more`;
  };
  more.firstElementChild.addEventListener("click", () => {
    turn(list.children.length);
    list.children[first].querySelector(".open")?.focus();
  });
  turn(first);
}

// A pair of classes in a table leads to its images.
function startPairs(galleries) {
  const gallery = galleries.wrong;
  if (!gallery) return;
  for (const place of document.querySelectorAll("[data-pair]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "pair";
    button.title = "show these images";
    button.append(...place.childNodes);
    place.append(button);
    button.addEventListener("click", () => {
      gallery.show(...place.dataset.pair.split(" "));
      gallery.root.querySelector("h2").scrollIntoView();
      gallery.root.querySelector("select").focus({ preventScroll: true });
    });
  }
}
