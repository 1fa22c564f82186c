// The page: two requests of one seed, drafted and plain, drawn as their steps come in.
import { events, model } from "./run.js";

const find = id => document.getElementById(id);
const COLOURS = { accepted: "#2a9d5c", resampled: "#e8871e", bonus: "#3b7dd8", forced: "#888", rejected: "#d33" };
const PARTIALS = 100;

/** One of the two images on their way: its picture, its figures, its curves. */
class Panel {
  constructor(section) {
    this.section = section;
    section.append(find("panel").content.cloneNode(true));
    this.img = section.querySelector("img");
    this.cells = section.querySelector(".cells");
    section.querySelector(".picture").style.aspectRatio = 1;
  }

  begin() {
    Object.assign(this, { steps: [], kinds: [], rejected: [], columns: 0, rows: 0, drift: 0 });
    this.section.dataset.state = "waiting";
    this.img.removeAttribute("src");
    this.figures(0, 0, 0, 0, "");
    this.draw();
  }

  take(event) {
    if (event.type === "coolsd.step") {
      this.step(event);
    } else if (event.type === "error") {
      throw new Error(event.error.message);
    } else {
      this.img.src = `data:image/png;base64,${event.b64_json}`;
      if (event.type === "image_generation.completed") {
        this.section.dataset.state = "done";
        this.figures(event.tokens, event.steps, event.accepted_length, event.drift, event.seconds.toFixed(2));
      }
    }
  }

  step(event) {
    this.section.dataset.state = "running";
    this.columns = event.columns;
    this.rows = event.rows;
    this.section.querySelector(".picture").style.aspectRatio = `${event.columns} / ${event.rows}`;
    event.tokens.forEach((token, i) => {
      this.kinds[event.cell + i] = i < event.accepted && event.kind !== "forced" ? "accepted" : event.kind;
    });
    this.rejected = event.drafted.slice(event.accepted).map((token, i) => event.cell + event.accepted + i);
    this.drift += event.drift;
    if (event.kind !== "forced") {
      this.steps.push({ kept: event.accepted, rejected: event.drafted.length - event.accepted, kind: event.kind, drift: this.drift });
    }
    const tokens = event.position + event.tokens.length;
    this.figures(tokens, this.steps.length, this.steps.length ? tokens / this.steps.length : 0, this.drift, "");
    this.draw();
  }

  figures(tokens, steps, length, drift, seconds) {
    const put = (name, value) => { this.section.querySelector(`.${name}`).textContent = value; };
    put("tokens", tokens);
    put("steps", steps);
    put("length", length.toFixed(2));
    put("drift", drift.toFixed(2));
    put("seconds", seconds);
  }

  draw() {
    this.drawCells();
    this.drawLengths();
    this.drawDrift();
  }

  drawCells() {
    const side = 16;
    this.cells.width = Math.max(1, this.columns * side);
    this.cells.height = Math.max(1, this.rows * side);
    const pen = this.cells.getContext("2d");
    if (!find("colours").checked) {
      return;
    }
    const at = cell => [(cell % this.columns) * side, Math.floor(cell / this.columns) * side];
    this.kinds.forEach((kind, cell) => {
      const [x, y] = at(cell);
      pen.fillStyle = COLOURS[kind];
      pen.globalAlpha = 0.45;
      pen.fillRect(x, y, side, side);
    });
    pen.globalAlpha = 1;
    pen.strokeStyle = COLOURS.rejected;
    pen.lineWidth = 2;
    this.rejected.filter(cell => !this.kinds[cell] && cell < this.columns * this.rows).forEach(cell => {
      const [x, y] = at(cell);
      pen.strokeRect(x + 1, y + 1, side - 2, side - 2);
    });
  }

  /** A bar for each step: accepted tokens from below, the drawn one, and above them what was rejected. */
  drawLengths() {
    const canvas = this.section.querySelector(".lengths");
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    const most = Math.max(1, ...this.steps.map(step => step.kept + 1 + step.rejected));
    const width = canvas.width / Math.max(48, this.steps.length);
    const unit = canvas.height / most;
    this.steps.forEach((step, i) => {
      let y = canvas.height;
      for (const [count, kind] of [[step.kept, "accepted"], [1, step.kind], [Math.max(0, step.rejected - 1), "rejected"]]) {
        pen.globalAlpha = kind === "rejected" ? 0.3 : 1;
        pen.fillStyle = COLOURS[kind];
        y -= count * unit;
        pen.fillRect(i * width, y, Math.max(1, width - 1), count * unit);
      }
    });
    pen.globalAlpha = 1;
  }

  drawDrift() {
    const canvas = this.section.querySelector(".drifts");
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    const top = Math.max(1, this.drift);
    this.section.querySelector(".scale").textContent = `(0 to ${top.toFixed(1)})`;
    pen.beginPath();
    pen.moveTo(0, canvas.height);
    this.steps.forEach((step, i) => {
      pen.lineTo((i + 1) * canvas.width / Math.max(48, this.steps.length), canvas.height * (1 - step.drift / top) + 1);
    });
    pen.strokeStyle = "#444";
    pen.lineWidth = 2;
    pen.stroke();
  }
}

const panels = { drafted: new Panel(find("drafted")), plain: new Panel(find("plain")) };
let running = new AbortController();

async function run(panel, request, signal) {
  panel.begin();
  try {
    for await (const event of events(request, find("key").value, signal)) {
      panel.take(event);
    }
    if (panel.section.dataset.state !== "done") {
      throw new Error("the server ended the stream before the image was complete");
    }
  } catch (error) {
    if (error.name !== "AbortError") {
      panel.section.dataset.state = "failed";
      find("message").textContent = error.message;
    }
  }
}

function number(id) {
  const text = find(id).value;
  return text === "" ? null : Number(text);
}

function make(event) {
  event.preventDefault();
  running.abort();
  running = new AbortController();
  find("message").textContent = "";
  const budget = number("drift-budget");
  const both = {
    prompt: find("class-field").hidden ? find("prompt").value : find("class").value,
    seed: number("seed"), guidance: number("guidance"), verification: find("verification").value || null,
    steps: true, partial_images: PARTIALS,
  };
  const drafted = { ...both, delta: number("delta"), draft_length: number("draft-length"), drift_budget: budget };
  if (budget === null) {
    drafted.schedule = find("schedule").value;
  }
  run(panels.drafted, drafted, running.signal);
  run(panels.plain, { ...both, schedule: "target" }, running.signal);
}

function options(select, names) {
  select.replaceChildren(...names.map(name => new Option(name)));
}

async function load() {
  const card = await model(find("key").value);
  find("key-field").hidden = card !== null && !find("key").value;
  if (card === null) {
    find("message").textContent = "This server wants an API key.";
    return;
  }
  find("message").textContent = "";
  const own = card.coolsd;
  find("class-field").hidden = own.class_count === 0;
  find("prompt-field").hidden = own.class_count > 0;
  options(find("class"), own.classes.length ? own.classes : [...Array(own.class_count).keys()].map(String));
  options(find("schedule"), own.schedules.filter(name => name !== "budget"));
  find("schedule").value = own.schedule;
  find("delta").value = own.delta;
  find("draft-length").value = own.draft_length;
  find("draft-length").max = own.longest_draft;
  find("guidance").value = own.guidance;
}

find("form").addEventListener("submit", make);
find("key").addEventListener("change", load);
find("colours").addEventListener("change", () => Object.values(panels).forEach(panel => panel.drawCells()));
Object.values(panels).forEach(panel => panel.begin());
load();
