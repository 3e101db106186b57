/**
 * Pending bytes and the delivery rate of the last minutes.
 *
 * @module
 */

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Sample } from "../../api_types.ts";
import { formatBytes } from "../../../terminal/format.ts";
import { timeText } from "../times.ts";

/** Ms between two samples from which nobody was looking: the lines have a gap there. */
const GAP_MS = 15_000;
const HEIGHT = 150;

interface Line {
  readonly label: string;
  /** Name of a color in the style sheet. */
  readonly color: string;
  readonly value: (sample: Sample) => number | null;
}

const PENDING: readonly Line[] = [
  { label: "pending", color: "--line-1", value: ({ pendingBytes }) => pendingBytes },
];
const RATES: readonly Line[] = [
  { label: "delivered", color: "--line-1", value: ({ sent }) => sent },
  { label: "written", color: "--line-2", value: ({ written }) => written },
];

/** The plots; that of rates only where they are known. */
export function Plots(
  { samples, hasRates }: { samples: readonly Sample[]; hasRates: boolean },
): JSX.Element {
  const last = samples.at(-1);
  const pending = formatBytes(last?.pendingBytes ?? 0);
  const rates = `${formatBytes(last?.sent ?? 0)}/s delivered, ${
    formatBytes(last?.written ?? 0)
  }/s written`;
  return (
    <div class="plots">
      <Plot title="Pending" now={pending} lines={PENDING} samples={samples} unit="" />
      {hasRates
        ? <Plot title="Rate" now={rates} lines={RATES} samples={samples} unit="/s" />
        : null}
    </div>
  );
}

function Plot(
  { title, now, lines, samples, unit }: {
    title: string;
    now: string;
    lines: readonly Line[];
    samples: readonly Sample[];
    unit: string;
  },
): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = dataOf(samples, lines);
  const latest = useRef(data);
  latest.current = data;
  useEffect(() => {
    const element = place.current!;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, lines, unit), latest.current, element);
    };
    const resize = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT })
    );
    draw();
    dark.addEventListener("change", draw);
    resize.observe(element);
    return () => {
      dark.removeEventListener("change", draw);
      resize.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => plot.current?.setData(latest.current), [samples]);
  return (
    <figure>
      <figcaption>
        <b>{title}</b> <span>{now}</span>
      </figcaption>
      <div class="plot" ref={place} aria-hidden="true" />
    </figure>
  );
}

function options(element: HTMLElement, lines: readonly Line[], unit: string): uPlot.Options {
  const axis = {
    stroke: colorOf(element, "--quiet"),
    grid: { stroke: colorOf(element, "--border"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui",
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, __, most) => [0, Math.max(1_000, most * 1.1)] } },
    axes: [
      { ...axis, space: 80, values: (_, times) => times.map((time) => timeText(time * 1_000)) },
      { ...axis, size: 62, values: (_, values) => values.map((v) => `${formatBytes(v)}${unit}`) },
    ],
    series: [
      {},
      ...lines.map(({ label, color }) => ({
        label,
        stroke: colorOf(element, color),
        width: 2,
        points: { show: false },
      })),
    ],
  };
}

/** A color of the style sheet as a canvas takes it. */
function colorOf(element: HTMLElement, name: string): string {
  const probe = element.appendChild(document.createElement("span"));
  probe.style.color = `var(${name})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function dataOf(samples: readonly Sample[], lines: readonly Line[]): uPlot.AlignedData {
  const times: number[] = [];
  const values: (number | null)[][] = lines.map(() => []);
  let before = Infinity;
  for (const sample of samples) {
    if (sample.at - before > GAP_MS) {
      times.push((before + sample.at) / 2_000);
      for (const line of values) line.push(null);
    }
    before = sample.at;
    times.push(sample.at / 1_000);
    lines.forEach(({ value }, i) => values[i].push(value(sample)));
  }
  return [times, ...values];
}
