// Images in memory, decoded ahead of time; nothing of them reaches a cache on a disk.
import { file, withQuery } from "./api.js";

class Shelf {
  constructor(most) {
    this.most = most;
    this.kept = new Map();
  }

  get(path) {
    const known = this.kept.get(path);
    this.kept.delete(path);
    const found = known ?? load(path);
    this.kept.set(path, found);
    // What failed is asked for again the next time.
    if (!known) found.catch(() => this.kept.delete(path));
    while (this.kept.size > this.most) {
      const [oldest, old] = this.kept.entries().next().value;
      this.kept.delete(oldest);
      old.then((picture) => URL.revokeObjectURL(picture.url)).catch(() => {});
    }
    return found;
  }
}

const large = new Shelf(40);
const small = new Shelf(400);

async function load(path) {
  const answer = await file(path);
  const url = URL.createObjectURL(await answer.blob());
  const told = (name) => Number(answer.headers.get(`x-image-${name}`)) || 0;
  const image = new Image();
  image.src = url;
  await image.decode();
  return {
    url,
    image, // kept, so that the browser keeps what it has decoded
    width: told("width") || image.naturalWidth,
    height: told("height") || image.naturalHeight,
    changed: answer.headers.get("x-image-changed") === "yes",
  };
}

export const picture = (row, size = "view", slice = null) =>
  large.get(withQuery(`/api/image/${row}/${size}`, { slice }));

export const layer = (row, name, slice = null, of = null) =>
  large.get(withQuery(`/api/layer/${row}/${name}`, { slice, of }));

/** Put a thumbnail into an <img> once it is there. */
export function thumbnail(target, row) {
  target.dataset.row = row;
  small.get(`/api/image/${row}/thumb`).then(
    (found) => {
      if (target.dataset.row === String(row)) target.src = found.url;
    },
    () => target.classList.add("missing"),
  );
}
