"use strict";
(() => {
  const rows = [...document.querySelectorAll("article")];
  const blind = "blind" in document.body.dataset;
  const key = "tinyv-audit-" + document.body.dataset.sample;
  const byId = (id) => document.getElementById(id);
  const note = byId("note");
  const judgements = new Map(); // of a row's id: {human, note}
  let current = 0;
  document.body.dataset.live = "yes";

  // Only what this page itself could have kept is taken back.
  const load = () => {
    const kept = JSON.parse(localStorage.getItem(key) || "{}");
    for (const row of rows) {
      const j = kept[row.id];
      if (j && ["y", "n", "?", ""].includes(j.human) && typeof j.note === "string") judgements.set(row.id, { human: j.human, note: j.note });
    }
  };
  const save = () => {
    try {
      localStorage.setItem(key, JSON.stringify(Object.fromEntries(judgements)));
    } catch {
      byId("lost").hidden = false;
    }
  };
  const of = (row) => judgements.get(row.id) || { human: "", note: "" };
  const set = (row, change) => {
    judgements.set(row.id, { ...of(row), ...change });
    save();
  };

  const show = () => {
    let judged = 0;
    rows.forEach((row, i) => {
      const { human } = of(row);
      if (human) {
        row.dataset.human = human;
        judged++;
      }
      row.hidden = i !== current;
    });
    const here = of(rows[current]);
    note.value = here.note;
    for (const button of document.querySelectorAll(".judge")) button.setAttribute("aria-pressed", String(button.dataset.human === here.human));
    byId("count").textContent = `row ${current + 1} of ${rows.length}, ${judged} judged`;
    byId("progress").value = judged;
  };
  const go = (to) => {
    current = Math.min(Math.max(to, 0), rows.length - 1);
    show();
    scrollTo(0, 0);
  };
  const nextOpen = () => {
    for (let step = 1; step <= rows.length; step++) {
      const i = (current + step) % rows.length;
      if (!of(rows[i]).human) return go(i);
    }
    show();
  };
  const judge = (human) => {
    set(rows[current], { human });
    // Blind, the row stays: only now its label is shown.
    if (blind) show();
    else nextOpen();
  };

  // The same guard against formulas as in audit.csv, and the same quotes.
  const cell = (text) => {
    if (/^[ \u00a0]*[=+\-@\t\r\n'＝＋－＠]/.test(text) && !/^-[1-9][0-9]{0,9}$/.test(text)) text = "'" + text;
    return /[",;\r\n\t]|^ /.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const exportCSV = () => {
    const lines = rows.map((row) => [row.id, of(row).human, cell(of(row).note)].join(","));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeffid,human,note\r\n", ...lines.map((line) => line + "\r\n")], { type: "text/csv" }));
    link.download = "audit-judged.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };

  const actions = {
    y: () => judge("y"), n: () => judge("n"), "?": () => judge("?"), e: exportCSV, o: nextOpen,
    ArrowLeft: () => go(current - 1), ArrowRight: () => go(current + 1),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === note) {
      if (event.key === "Enter" || event.key === "Escape") note.blur();
      return;
    }
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  for (const button of document.querySelectorAll(".judge")) button.addEventListener("click", () => judge(button.dataset.human));
  byId("back").addEventListener("click", actions.ArrowLeft);
  byId("forward").addEventListener("click", actions.ArrowRight);
  byId("open").addEventListener("click", nextOpen);
  byId("export").addEventListener("click", exportCSV);
  note.addEventListener("input", () => set(rows[current], { note: note.value }));

  try {
    load();
  } catch {
    byId("lost").hidden = false;
  }
  const open = rows.findIndex((row) => !of(row).human);
  go(open < 0 ? 0 : open);
})();
