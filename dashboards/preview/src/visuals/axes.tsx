// Axes and ticks of the panels that the preview itself draws in SVG: @grafana/ui has no component for them.
import { dateTimeFormat, type Field, formattedValueToString, type GrafanaTheme2, type TimeRange } from "@grafana/data";
import { type ReactNode } from "react";

const TIME_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800];

export interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
}

export const LABEL_PX = 12;

/** Return round numbers from 0 or `low` to `high`, about `count` of them. */
export function numberTicks(low: number, high: number, count: number): number[] {
  const span = high - low || 1;
  const magnitude = 10 ** Math.floor(Math.log10(span / count));
  const step = [1, 2, 5, 10].map((each) => each * magnitude).find((each) => span / each <= count) ?? 10 * magnitude;
  const ticks = [];
  for (let tick = Math.ceil(low / step); tick * step <= high + step / 1e6; tick++) {
    ticks.push(tick * step);
  }
  return ticks;
}

export function timeTicks(range: TimeRange, width: number, timeZone: string): Array<{ at: number; text: string }> {
  const [from, to] = [range.from.valueOf(), range.to.valueOf()];
  const most = Math.max(2, Math.floor(width / 90));
  const step = 1000 * (TIME_STEPS_S.find((each) => (to - from) / 1000 / each <= most) ?? 2592000);
  const format = step < 60_000 ? "HH:mm:ss" : step < 86_400_000 ? "HH:mm" : "MM/DD";
  const ticks = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
    ticks.push({ at, text: dateTimeFormat(at, { format, timeZone }) });
  }
  return ticks;
}

export function timeX(range: TimeRange, area: Area): (at: number) => number {
  const [from, to] = [range.from.valueOf(), range.to.valueOf()];
  return (at) => area.left + ((at - from) / (to - from)) * area.width;
}

export function display(field: Field, value: any): string {
  return field.display ? formattedValueToString(field.display(value)) : String(value ?? "");
}

export function textWidth(texts: string[]): number {
  return Math.max(0, ...texts.map((text) => text.length)) * LABEL_PX * 0.58;
}

/** Return the text, cut to fit a width (px). */
export function cut(text: string, width: number): string {
  const most = Math.floor(width / (LABEL_PX * 0.58));
  return text.length <= most ? text : most > 2 ? `${text.slice(0, most - 1)}…` : "";
}

/** An axis' label, upright beside its ticks; the area has to leave room for it. */
export const AXIS_LABEL_PX = 18;

export function AxisLabel({ text, area, theme }: { text: string | undefined; area: Area; theme: GrafanaTheme2 }) {
  const middle = area.top + area.height / 2;
  return text ? (
    <text transform={`translate(${LABEL_PX}, ${middle}) rotate(-90)`} textAnchor="middle" fill={theme.colors.text.primary}>
      {text}
    </text>
  ) : null;
}

export function Svg(props: { width: number; height: number; theme: GrafanaTheme2; children: ReactNode }) {
  const style = { fontFamily: props.theme.typography.fontFamily, fontSize: LABEL_PX, display: "block" };
  return (
    <svg width={props.width} height={props.height} style={style}>
      {props.children}
    </svg>
  );
}

export function TimeAxis(props: { range: TimeRange; timeZone: string; area: Area; theme: GrafanaTheme2 }) {
  const { range, timeZone, area, theme } = props;
  const x = timeX(range, area);
  return (
    <g>
      {timeTicks(range, area.width, timeZone).map(({ at, text }) => (
        <g key={at}>
          <line x1={x(at)} x2={x(at)} y1={area.top} y2={area.top + area.height} stroke={theme.colors.border.weak} />
          <text x={x(at)} y={area.top + area.height + 16} textAnchor="middle" fill={theme.colors.text.primary}>
            {text}
          </text>
        </g>
      ))}
    </g>
  );
}
