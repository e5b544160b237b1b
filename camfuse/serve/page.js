"use strict";
const at = (id) => document.getElementById(id);
let last = null; // the video that was answered last
let stream = null;
let recorder = null;
let live = null; // the web socket of the camera
let sent = -1; // the camera's time of the frame that was sent last
let bones = [];
let busy = false;
const HEARD = 30; // signs that stay on the page

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
    + `At most ${facts.seconds} s and ${facts.megabytes} MB; no video is kept.`
    + (facts.note ? ` ${facts.note}.` : "");
  at("enroll").hidden = !facts.enroll;
  bones = facts.bones;
}

function setBusy(now, but = "") {
  busy = now;
  for (const id of ["open", "live", "record", "file"]) at(id).disabled = now && id !== but;
}

async function answer(video) {
  if (busy) return;
  setBusy(true);
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
  setBusy(false);
}

function show(found) {
  at("answer").hidden = false;
  at("live-answers").hidden = true;
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
  at("view").hidden = at("live").hidden = at("record").hidden = false;
  at("open").hidden = true;
  await at("preview").play();
}

function record() {
  if (!recorder && busy) return;
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

// ------------------------------------------------------------------- the camera, answered as it is signed

function goLive() {
  if (live) {
    at("live").disabled = true;
    live.send("stop"); // what is still to come comes, then the server closes
    return;
  }
  setBusy(true, "live");
  at("live").textContent = "Stop";
  at("live").classList.add("on");
  at("answer").hidden = true;
  at("live-answers").hidden = false;
  at("heard").replaceChildren();
  say("Getting ready …");
  live = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
  let problem = null, seen = 0, begin = 0;
  live.onmessage = (event) => {
    const found = JSON.parse(event.data);
    if (found.error) {
      problem = found.error;
      return;
    }
    if (found.ready) begin = performance.now();
    else {
      seen += 1;
      found.signs.forEach(hear);
      draw(found.points);
      say(`${((1000 * seen) / (performance.now() - begin)).toFixed(1)} frames/s. Sign, then lower your hands.`);
    }
    sendFrame(live);
  };
  live.onclose = () => {
    live = null;
    draw([]);
    setBusy(false);
    at("live").textContent = "Answer live";
    at("live").classList.remove("on");
    say(problem || `Stopped after ${seen} frames.`, Boolean(problem));
  };
}

function sendFrame(socket) {
  const video = at("preview"), canvas = document.createElement("canvas");
  if (socket.readyState !== WebSocket.OPEN || at("live").disabled) return;
  if (video.currentTime === sent) {
    requestAnimationFrame(() => sendFrame(socket)); // the camera has no newer frame yet
    return;
  }
  sent = video.currentTime;
  canvas.width = 640;
  canvas.height = Math.round((640 * video.videoHeight) / video.videoWidth);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((frame) => {
    if (socket.readyState === WebSocket.OPEN && !at("live").disabled) socket.send(frame);
  }, "image/jpeg", 0.85);
}

function hear(sign) {
  const one = document.createElement("li"), word = document.createElement("b"), more = document.createElement("span");
  const old = [...at("heard").children].find((other) => other.dataset.number === String(sign.number));
  const words = sign.top.slice(0, 3).map((other) => `${other.label} ${(100 * other.probability).toFixed(0)} %`);
  one.dataset.number = sign.number;
  one.classList.toggle("unknown", !sign.known);
  word.textContent = sign.known ? sign.top[0].label : "no known sign";
  more.textContent = `${sign.known ? "" : "nearest: "}${words.join(", ")} · ${sign.start.toFixed(1)} to ${sign.end.toFixed(1)} s`;
  one.append(word, more);
  if (old) old.replaceWith(one); // a sign that went on is answered anew
  else at("heard").prepend(one);
  while (at("heard").children.length > HEARD) at("heard").lastChild.remove();
}

function draw(points) {
  const canvas = at("drawing"), pen = canvas.getContext("2d");
  canvas.width = at("preview").clientWidth;
  canvas.height = at("preview").clientHeight;
  pen.lineWidth = 2;
  for (const { colour, pairs } of points.length ? bones : []) {
    pen.strokeStyle = colour;
    pen.beginPath();
    for (const [one, other] of pairs) {
      if (!points[one] || !points[other]) continue;
      pen.moveTo(points[one][0] * canvas.width, points[one][1] * canvas.height);
      pen.lineTo(points[other][0] * canvas.width, points[other][1] * canvas.height);
    }
    pen.stroke();
  }
}

at("file").addEventListener("change", () => {
  const [video] = at("file").files;
  at("file").value = ""; // so that the same file can be chosen again
  if (video) answer(video);
});
at("open").addEventListener("click", openCamera);
at("record").addEventListener("click", record);
at("live").addEventListener("click", goLive);
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
  setBusy(true);
  say("Enrolling …");
  try {
    await send(`/enroll?word=${encodeURIComponent(at("word").value.trim())}`, last);
    await showFacts();
    say(`Enrolled: ${at("word").value.trim()}. Answers know it from now on.`);
    at("word").value = "";
  } catch (error) {
    say(error.message, true);
  }
  setBusy(false);
});
showFacts().catch((error) => say(error.message, true));
