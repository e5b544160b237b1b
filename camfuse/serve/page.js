"use strict";
const at = (id) => document.getElementById(id);
let last = null; // the video that was answered last
let stream = null;
let recorder = null;
let busy = false;

function say(text, wrong = false) {
  at("state").textContent = text;
  at("state").classList.toggle("wrong", wrong);
}

async function send(path, video) {
  const answer = await fetch(path, { method: "POST", headers: { "X-Camfuse": "1" }, body: video });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error || `the server answered ${answer.status}`);
  return found;
}

async function showFacts() {
  const facts = await (await fetch("/facts")).json();
  const some = facts.words.slice(0, 8).join(", ") + (facts.words.length > 8 ? ", …" : "");
  at("facts").textContent = `${facts.words.length} words (${some}), keypoints by ${facts.estimator}. `
    + `At most ${facts.seconds} s and ${facts.megabytes} MB; no video is kept.`;
  at("enroll").hidden = !facts.enroll;
}

async function answer(video) {
  if (busy) return;
  busy = true;
  at("record").disabled = at("open").disabled = true;
  const begin = performance.now();
  say("Looking at the video …");
  try {
    show(await send("/answer", video));
    last = video;
    say(`Answered in ${((performance.now() - begin) / 1000).toFixed(1)} s.`);
  } catch (error) {
    at("answer").hidden = true;
    say(error.message, true);
  }
  busy = false;
  at("record").disabled = at("open").disabled = false;
}

function show(found) {
  at("answer").hidden = false;
  at("drawn").src = found.video;
  at("drawn").play().catch(() => {});
  at("line").replaceChildren(...found.signs.map((sign, number) => mark(sign, number, found)));
  if (found.signs.length) choose(found, 0);
  else {
    at("sign").textContent = "No sign found: no hand leaves its rest.";
    picture("sheet", null, "");
    picture("attention", null, "");
  }
}

function mark(sign, number, found) {
  const one = document.createElement("button");
  one.type = "button";
  one.style.left = `${(100 * sign.start) / found.seconds}%`;
  one.style.width = `${(100 * (sign.end - sign.start)) / found.seconds}%`;
  one.textContent = sign.known ? sign.top[0].label : "?";
  one.title = `${sign.start.toFixed(2)} to ${sign.end.toFixed(2)} s`;
  one.classList.toggle("unknown", !sign.known);
  one.addEventListener("click", () => choose(found, number));
  return one;
}

function choose(found, number) {
  const sign = found.signs[number];
  [...at("line").children].forEach((one, other) => one.setAttribute("aria-pressed", String(other === number)));
  const head = document.createElement("p");
  head.textContent = `${sign.start.toFixed(2)} to ${sign.end.toFixed(2)} s` + (sign.known ? "" : ": no known sign; nearest");
  at("sign").replaceChildren(head, ...sign.top.map(word));
  at("drawn").currentTime = sign.start;
  picture("sheet", sign.sheet, "What the model saw: frames with skeleton and crop box, crops, heatmaps.");
  picture("attention", sign.attention, "Where the streams look in each other; brighter is more than its share.");
}

function word(one) {
  const row = document.createElement("div"), bar = document.createElement("span"), inner = document.createElement("i");
  const name = document.createElement("span"), value = document.createElement("b");
  row.className = "word";
  bar.className = "bar";
  inner.style.width = `${100 * one.probability}%`;
  bar.append(inner);
  name.textContent = one.label;
  value.textContent = `${(100 * one.probability).toFixed(1)} %`;
  row.append(name, bar, value);
  return row;
}

function picture(id, source, caption) {
  at(id).hidden = !source;
  if (source) at(id).querySelector("img").src = source;
  at(id).querySelector("figcaption").textContent = caption;
}

async function openCamera() {
  if (stream) return;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  } catch (error) {
    say(`No camera: ${error.message}`, true);
    return;
  }
  at("preview").srcObject = stream;
  at("preview").hidden = at("record").hidden = false;
  at("open").hidden = true;
  await at("preview").play();
}

function record() {
  if (recorder) {
    recorder.stop();
    return;
  }
  const parts = [];
  recorder = new MediaRecorder(stream);
  recorder.ondataavailable = (event) => parts.push(event.data);
  recorder.onstop = () => {
    const video = new Blob(parts, { type: recorder.mimeType });
    recorder = null;
    at("record").textContent = "Record";
    at("record").classList.remove("on");
    answer(video);
  };
  recorder.start();
  at("record").textContent = "Stop";
  at("record").classList.add("on");
  say("Recording: sign, then stop.");
}

at("file").addEventListener("change", () => {
  const [video] = at("file").files;
  at("file").value = ""; // so that the same file can be chosen again
  if (video) answer(video);
});
at("open").addEventListener("click", openCamera);
at("record").addEventListener("click", record);
for (const kind of ["dragover", "dragleave", "drop"]) {
  at("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) answer(event.dataTransfer.files[0]);
  });
}
at("enroll").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!last || busy || !at("word").value.trim()) return;
  busy = true;
  say("Enrolling …");
  try {
    await send(`/enroll?word=${encodeURIComponent(at("word").value.trim())}`, last);
    await showFacts();
    say(`Enrolled: ${at("word").value.trim()}. Answers know it from now on.`);
    at("word").value = "";
  } catch (error) {
    say(error.message, true);
  }
  busy = false;
});
showFacts().catch((error) => say(error.message, true));
