// Light or dark: what the system prefers, until the reader says otherwise.
const KEPT = "mixednoise-theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

function keptTheme() {
  // A browser may forbid storage to local files.
  try { return localStorage.getItem(KEPT); } catch { return null; }
}

function isDark() {
  return (document.documentElement.dataset.theme || (prefersDark.matches ? "dark" : "light")) === "dark";
}

// Before the page is drawn, so that it does not flash.
if (keptTheme() === "dark" || keptTheme() === "light") document.documentElement.dataset.theme = keptTheme();

function startTheme() {
  const button = document.getElementById("theme");
  const tell = () => {
    button.textContent = isDark() ? "☀ light" : "☾ dark";
    document.dispatchEvent(new Event("theme"));
  };
  button.addEventListener("click", () => {
    const next = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try { localStorage.setItem(KEPT, next); } catch { /* then it is not kept */ }
    tell();
  });
  prefersDark.addEventListener("change", tell);
  button.hidden = false;
  tell();
}

function startCopying() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "copied";
      } catch {
        // No clipboard for local files: mark the text, the rest is two keys.
        getSelection().selectAllChildren(code);
        button.textContent = "marked";
      }
      setTimeout(() => { button.textContent = "copy"; }, 2000);
    });
  }
}
