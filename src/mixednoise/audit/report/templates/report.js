"use strict";
{% include "js/theme.js" %}
{% include "js/gallery.js" %}
{% include "js/viewer.js" %}
{% include "js/drawing.js" %}
{% include "js/plane.js" %}
document.addEventListener("DOMContentLoaded", () => {
  const galleries = startGalleries();
  const viewer = startViewer();
  startPairs(galleries);
  startGroups();
  startCopying();
  startTheme();
  startPlane(viewer);
});
