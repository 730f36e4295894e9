"use strict";
(() => {
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const names = ["lane", "area", "verdict", "level"];
  const rows = [...document.querySelectorAll("tbody tr[data-verdict]")];
  const failures = [...document.querySelectorAll("article.failure")];
  const texts = new Map([...rows, ...failures].map((each) => [each, each.textContent.toLowerCase()]));
  const fits = (each, wanted, words) =>
    names.every((name) => !wanted[name] || each.dataset[name] === wanted[name]) && words.every((word) => texts.get(each).includes(word));
  const apply = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    for (const each of rows.concat(failures)) each.hidden = !fits(each, wanted, words);
    shown.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} shown`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  form.hidden = false;
  apply();
})();
