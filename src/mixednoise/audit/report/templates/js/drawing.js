// Marks and axes on a canvas.
function drawMark(pen, code, x, y, size) {
  if (code === 1) {
    pen.moveTo(x, y - size * 1.2);
    pen.lineTo(x + size * 1.15, y + size * 0.85);
    pen.lineTo(x - size * 1.15, y + size * 0.85);
    pen.closePath();
  } else if (code === 2) pen.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8);
  else { pen.moveTo(x + size, y); pen.arc(x, y, size, 0, 7); }
}

function drawAxes(pen, ink, { width, height, frame, maxX, maxY }) {
  const bottom = height - frame.bottom, right = width - frame.right;
  pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  pen.lineWidth = 1;
  const w = right - frame.left - 10, h = bottom - frame.top - 10;
  for (const tick of niceTicks(maxX, width < 500 ? 4 : 8)) {
    const x = frame.left + 5 + (tick / (maxX || 1)) * w;
    pen.strokeStyle = ink("--line");
    drawLine(pen, x, frame.top, x, bottom);
    pen.fillStyle = ink("--soft");
    pen.textAlign = "center";
    pen.fillText(String(tick), x, bottom + 16);
  }
  for (const tick of niceTicks(maxY, 6)) {
    const y = bottom - 5 - (tick / (maxY || 1)) * h;
    pen.strokeStyle = ink("--line");
    drawLine(pen, frame.left, y, right, y);
    pen.fillStyle = ink("--soft");
    pen.textAlign = "right";
    pen.fillText(String(tick), frame.left - 6, y + 4);
  }
  pen.fillStyle = ink("--ink");
  pen.textAlign = "right";
  pen.fillText(width < 500 ? "disagreement (loss) →" : "disagreement with the given label (loss) →", right, height - 8);
  pen.save();
  pen.translate(14, frame.top);
  pen.rotate(-Math.PI / 2);
  pen.fillText("undecided (entropy) →", 0, 0);
  pen.restore();
}

function drawLine(pen, x0, y0, x1, y1) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}

function niceTicks(high, most) {
  if (!(high > 0)) return [0];
  const rough = high / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough * 0.999);
  return Array.from({ length: Math.floor(high / step + 1e-9) + 1 }, (_, k) => Number((k * step).toFixed(6)));
}
