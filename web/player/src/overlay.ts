/** The frame's way as a small live chart: one thin column per frame, its steps stacked, the sum in large figures. */

import type { Player } from "./player";
import type { Numbers } from "./stats";
import { STEPS, type Frame, type Step } from "./timeline";

/** Words of the overlay; a page gives its own language. */
export interface OverlayLabels {
  title: string;
  unit: string;
  steps: Record<Step, string>;
  numbers(numbers: Numbers): string;
}

const ENGLISH: OverlayLabels = {
  title: "Way of a frame",
  unit: "ms",
  steps: {
    input: "input",
    game: "game",
    convert: "convert",
    encode: "encode",
    send: "send",
    network: "network",
    decode: "decode",
    show: "show",
  },
  numbers: (n) =>
    `${n.width}×${n.height} · ${n.framesPerSecond.toFixed(0)} fps · ${(n.bitrate / 1e6).toFixed(1)} Mbit/s · ` +
    `${(n.loss * 100).toFixed(1)} % lost`,
};

/** One colour per step, told apart by lightness too: the game warm, the machine violet, the way green, the page blue. */
const COLOURS: Record<Step, string> = {
  input: "#f7d794",
  game: "#f4b740",
  convert: "#c9a7ff",
  encode: "#9b6bff",
  send: "#6a4bd0",
  network: "#45cdb8",
  decode: "#7db8ff",
  show: "#3f7fe0",
};

const WIDTH = 300;
const CHART = 96;
const COLUMNS = 150;
/** The chart's full height in milliseconds; taller columns are cut. */
const SCALE_MS = 60;
/** Frames at 60 per second that fit into each grid line. */
const GRID_MS = [16.7, 33.3, 50];
const REDRAW_MS = 100;

const STYLE = `position:absolute;left:16px;top:16px;width:${WIDTH}px;padding:12px;border-radius:12px;
  background:rgb(17 14 23 / 88%);color:#f4f1fa;font:13px/1.5 Inter,system-ui,sans-serif;
  font-variant-numeric:tabular-nums;pointer-events:none;z-index:2`;

/** Draws itself ten times a second while it is shown, and costs nothing while it is not. */
export class Overlay {
  readonly element = document.createElement("div");
  #labels: OverlayLabels;
  #canvas = document.createElement("canvas");
  #sum = document.createElement("strong");
  #legend = document.createElement("div");
  #footer = document.createElement("div");
  #values = new Map<Step, HTMLElement>();
  #timer = 0;
  #off: (() => void)[] = [];

  constructor(
    private player: Player,
    labels: Partial<OverlayLabels> = {},
  ) {
    this.#labels = { ...ENGLISH, ...labels };
    this.element.hidden = true;
    this.element.dataset.overlay = "";
  }

  get shown(): boolean {
    return this.#timer !== 0;
  }

  set shown(shown: boolean) {
    if (shown === this.shown) return;
    if (!shown) {
      this.close();
      return;
    }
    this.#build();
    this.element.hidden = false;
    this.#timer = window.setInterval(() => this.#draw(), REDRAW_MS);
    this.#off.push(this.player.on("numbers", (numbers) => (this.#footer.textContent = this.#labels.numbers(numbers))));
    this.#draw();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#off.splice(0).forEach((off) => off());
    this.element.hidden = true;
  }

  #build(): void {
    if (this.element.childElementCount > 0) return;
    this.element.style.cssText = STYLE;
    const head = document.createElement("div");
    head.style.cssText = "display:flex;align-items:baseline;justify-content:space-between;color:#b0a8c2";
    head.append(this.#labels.title, this.#sum);
    this.#sum.style.cssText = "font-size:34px;line-height:1.1;color:#f4f1fa";
    const ratio = window.devicePixelRatio || 1;
    this.#canvas.width = (WIDTH - 24) * ratio;
    this.#canvas.height = CHART * ratio;
    this.#canvas.style.cssText = `display:block;width:${WIDTH - 24}px;height:${CHART}px;margin:8px 0`;
    this.#legend.style.cssText = "display:grid;grid-template-columns:1fr 1fr;column-gap:16px";
    for (const step of STEPS) {
      const row = document.createElement("div");
      const dot = document.createElement("span");
      const value = document.createElement("span");
      row.style.cssText = "display:flex;align-items:center;gap:8px";
      dot.style.cssText = `width:8px;height:8px;border-radius:2px;background:${COLOURS[step]}`;
      value.style.cssText = "margin-left:auto";
      row.append(dot, this.#labels.steps[step], value);
      this.#legend.append(row);
      this.#values.set(step, value);
    }
    this.#footer.style.cssText = "margin-top:8px;color:#b0a8c2";
    this.element.append(head, this.#canvas, this.#legend, this.#footer);
  }

  #draw(): void {
    const summary = this.player.timeline.summary(2);
    for (const step of STEPS) {
      const value = this.#values.get(step);
      if (value) value.textContent = summary[step].p50.toFixed(1);
    }
    this.#sum.textContent = `${summary.total.p50.toFixed(1)} ${this.#labels.unit}`;
    const context = this.#canvas.getContext("2d");
    if (context) this.#chart(context, this.player.timeline.recent().slice(-COLUMNS));
  }

  #chart(context: CanvasRenderingContext2D, frames: readonly Frame[]): void {
    const { width, height } = this.#canvas;
    const column = width / COLUMNS;
    const tall = (millis: number) => (millis / SCALE_MS) * height;
    context.clearRect(0, 0, width, height);
    frames.forEach((frame, index) => {
      const x = (COLUMNS - frames.length + index) * column;
      let y = height;
      for (const step of STEPS) {
        const part = tall(frame.steps[step]);
        context.fillStyle = COLOURS[step];
        context.fillRect(x, y - part, Math.max(1, column - 0.5), part);
        y -= part;
      }
    });
    context.fillStyle = "rgb(244 241 250 / 25%)";
    for (const millis of GRID_MS) context.fillRect(0, height - tall(millis), width, 1);
  }
}
