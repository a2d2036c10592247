// Texts below the contrast of WCAG AA: {element: [ratio, text]}.
() => {
  const light = (c) => {
    const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parse = (text) => { const n = text.match(/[\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const mix = (top, share, below) => below.map((v, i) => v * (1 - share) + top[i] * share);
  const weak = {};
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("script, style, noscript, option, .unseen")) continue;
    if (!element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const layers = [];
    let opacity = 1;
    for (let node = element; node; node = node.parentElement) {
      opacity *= Number(getComputedStyle(node).opacity);
      layers.push(parse(getComputedStyle(node).backgroundColor));
    }
    const back = layers.reverse().reduce((below, layer) => mix(layer, layer[3], below), [255, 255, 255]);
    const ink = parse(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(mix(ink, ink[3] * opacity, back)), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      weak[`${element.tagName}.${element.getAttribute("class")}`] = [ratio.toFixed(2), walker.currentNode.data.trim().slice(0, 30)];
    }
  }
  return weak;
}
