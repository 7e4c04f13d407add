"use strict";
const EVERY_MS = 1000;
const QUEUES = {
  "registration.registrations": "Pendaftaran masuk", "registration.layoffs": "Daftar PHK masuk",
  "registration.calls": "Kiriman HTTP yang menunggu keputusan",
  "registration.decisions": "Status pemohon: keputusan", "registration.placements": "Status pemohon: penempatan",
  "registration.messages": "Status pemohon: pesan", "eligibility.workers": "Penilaian kelayakan",
  "eligibility.tasks": "Hasil telaah dinas", "notification.workers": "Pesan: tiket pendaftaran",
  "notification.refusals": "Pesan: pendaftaran ditolak", "notification.reviews": "Pesan: pendaftaran ganda",
  "notification.decisions": "Pesan dan tugas: keputusan", "notification.placements": "Pesan: penempatan",
  "notification.filings": "Pesan: laporan IOMKI", "notification.sanctions": "Pesan: peringatan IOMKI",
  "reporting.permits": "Izin IOMKI masuk", "reporting.filings": "Laporan IOMKI masuk",
  "reporting.messages": "Status perusahaan: pesan",
};
const number = new Intl.NumberFormat("id-ID");

function show(element, value, holder) {
  const text = value === undefined || value === null ? "–" : number.format(value);
  if (element.textContent === text) return;
  const isFirst = element.textContent === "";
  element.textContent = text;
  if (isFirst) return;
  holder.classList.add("moved");
  setTimeout(() => holder.classList.remove("moved"), 400);
}

function showCounts(overview) {
  for (const list of document.querySelectorAll("dl[data-service]")) {
    const counts = overview[list.dataset.service]?.counts;
    for (const cell of list.querySelectorAll("dd[data-count]")) {
      const value = counts && cell.dataset.count.split(",").reduce((sum, name) => sum + (counts[name] ?? 0), 0);
      show(cell, value, cell.parentElement);
    }
  }
}

function showRows(body, rows) {
  const kept = new Map([...body.rows].map((row) => [row.dataset.name, row]));
  for (const [name, ...values] of rows) {
    let row = kept.get(name);
    if (!row) {
      row = body.insertRow();
      row.dataset.name = name;
      row.insertCell().textContent = name;
      values.forEach(() => row.insertCell());
    }
    kept.delete(name);
    values.forEach((value, at) => {
      show(row.cells[at + 1], value, row);
      row.cells[at + 1].classList.toggle("bad", at === values.length - 1 && body.id === "queue-rows" && value > 0);
    });
  }
  for (const row of kept.values()) row.remove();
}

function queueRows(overview) {
  const rows = [];
  for (const [service, answer] of Object.entries(overview)) {
    for (const queue of answer?.queues ?? []) {
      const name = queue.queue === "outbox" ? `Antrean kirim ${service}` : QUEUES[queue.queue] ?? queue.queue;
      rows.push([name, queue.waiting, queue.parked, queue.dead]);
    }
  }
  return rows;
}

function taskRows(overview) {
  const byDinas = new Map();
  for (const row of overview.notification?.tasks ?? []) {
    const sums = byDinas.get(row.dinas) ?? [0, 0, 0];
    if (row.state === "completed") sums[2] += row.tasks;
    else { sums[0] += row.tasks; sums[1] += row.overdue; }
    byDinas.set(row.dinas, sums);
  }
  return [...byDinas].sort((a, b) => b[1][0] - a[1][0] || a[0].localeCompare(b[0])).slice(0, 20).map(([dinas, sums]) => [dinas, ...sums]);
}

const KINDS = { missing: "hilang", double: "ganda", stuck: "macet" };
const SERVICES = { registration: "Pendaftaran", eligibility: "Kelayakan", notification: "Pesan", reporting: "Pengawasan IOMKI" };

function describeAudit(audit) {
  if (!audit) return ["", "Pemeriksaan tidak menjawab.", ""];
  if (!audit.verdict) return ["", audit.trouble ? "Pemeriksaan belum dapat melihat data." : "Pemeriksaan pertama sedang berjalan.", ""];
  const at = `Diperiksa ${new Date(audit.at).toLocaleString("id-ID")}`;
  const late = audit.trouble ? "; pemeriksaan berikutnya belum dapat melihat data" : "";
  const first = audit.verdict.first_broken;
  if (!first) {
    const onWay = audit.verdict.in_flight ? `, ${number.format(audit.verdict.in_flight)} sedang di jalan` : "";
    return ["clean", `Semua tercatat: ${number.format(audit.verdict.accepted)} masuk${onWay}.`, at + late];
  }
  const place = SERVICES[first.stage] ?? (first.stage || first.where);
  const since = first.since ? ` sejak ${new Date(first.since).toLocaleString("id-ID")}` : "";
  const more = first.command ? `. Rincian: ${first.command}` : "";
  return ["bad", `Putus pertama: ${place}, ${number.format(first.events)} ${KINDS[first.kind] ?? first.kind}${since}.`, at + late + more];
}

async function showAudit() {
  const tile = document.getElementById("audit-tile");
  const [state, answer, more] = describeAudit(await (await fetch("/api/audit", { cache: "no-store" })).json());
  for (const name of ["clean", "bad"]) tile.classList.toggle(name, name === state);
  for (const [id, text] of [["audit-answer", answer], ["audit-more", more]]) {
    const line = document.getElementById(id);
    if (line.textContent !== text) line.textContent = text;
  }
}

async function look() {
  const state = document.getElementById("state");
  try {
    const overview = await (await fetch("/api/overview", { cache: "no-store" })).json();
    showCounts(overview);
    showRows(document.getElementById("queue-rows"), queueRows(overview));
    showRows(document.getElementById("task-rows"), taskRows(overview));
    await showAudit();
    const silent = Object.keys(overview).filter((name) => overview[name] === null);
    state.textContent = silent.length ? `Tidak menjawab: ${silent.join(", ")}` : `Diperbarui ${new Date().toLocaleTimeString("id-ID")}`;
    state.classList.toggle("bad", silent.length > 0);
  } catch {
    state.textContent = "Konsol tidak menjawab";
    state.classList.add("bad");
  }
  setTimeout(look, EVERY_MS);
}
look();
