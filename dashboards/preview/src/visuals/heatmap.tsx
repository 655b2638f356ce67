// Buckets over time: one column per moment, one row per bucket, in the order of the frame's fields.
import {
  type DataFrame,
  dateTimeFormat,
  type Field,
  FieldType,
  formattedValueToString,
  getFieldDisplayName,
  getValueFormat,
  type TimeRange,
} from "@grafana/data";
import { useTheme2 } from "@grafana/ui";
import * as chromatic from "d3-scale-chromatic";

import { AXIS_LABEL_PX, AxisLabel, cut, display, LABEL_PX, Svg, textWidth, TimeAxis, timeX } from "./axes";
import { NotDrawn, type VisualProps } from "./kinds";

type Colour = (share: number) => string;

function colours(options: Record<string, any>, isDark: boolean): Colour {
  const { scheme = "Oranges", exponent = 0.5, reverse = false, mode = "scheme" } = options.color ?? {};
  const found = (chromatic as unknown as Record<string, Colour>)[`interpolate${scheme}`];
  if (mode !== "scheme" || !found) {
    throw new NotDrawn(`the heatmap's colours ${mode === "scheme" ? scheme : mode}`);
  }
  // Grafana reverses a scheme in the dark theme, so low counts are near the background's colour in both themes.
  const turned = isDark !== Boolean(reverse) && !/^(Spectral|RdYl|RdBu|PiYG|PRGn|BrBG|PuOr|Turbo|Viridis|Magma|Inferno|Plasma|Cividis|Warm|Cool)/.test(scheme);
  return (share) => found(turned ? 1 - share ** exponent : share ** exponent);
}

function buckets(frames: DataFrame[]): { times: Field; rows: Field[]; frame: DataFrame } {
  const frame = frames.find((each) => each.fields.some((field) => field.type === FieldType.time));
  const times = frame?.fields.find((field) => field.type === FieldType.time);
  const rows = frame?.fields.filter((field) => field.type === FieldType.number) ?? [];
  if (!frame || !times || rows.length === 0) {
    throw new NotDrawn("a result with no time and buckets, which a heatmap needs");
  }
  return { times, rows, frame };
}

/** Return a bucket's bound in the axis's unit; a bound that is not a number, such as +Inf, stays as it is. */
function bucketLabel(name: string, unit: string | undefined): string {
  const bound = Number(name);
  return unit && Number.isFinite(bound) ? formattedValueToString(getValueFormat(unit)(bound)) : name;
}

function step(times: number[], range: TimeRange): number {
  const gaps = times.slice(1).map((time, index) => time - times[index]!);
  const smallest = Math.min(...gaps.filter((gap) => gap > 0));
  return Number.isFinite(smallest) ? smallest : (range.to.valueOf() - range.from.valueOf()) / 50;
}

export function HeatmapPanel({ panel, frames, width, height, timeRange, timeZone }: VisualProps) {
  const theme = useTheme2();
  const options = panel.options ?? {};
  if (options.calculate) {
    throw new NotDrawn("buckets that Grafana would calculate; the query has to make them");
  }
  const { times, rows, frame } = buckets(frames);
  const colour = colours(options, theme.isDark);
  const names = rows.map((field) => getFieldDisplayName(field, frame));
  const unit = options.yAxis?.unit;
  const labels = names.map((name) => bucketLabel(name, unit));
  const label: string | undefined = options.yAxis?.axisLabel;
  const left = Math.min(width / 3, textWidth(labels) + 12 + (label ? AXIS_LABEL_PX : 0));
  const area = { left, top: 8, width: width - left - 12, height: height - 8 - 24 };
  const most = Math.max(1, ...rows.flatMap((field) => field.values.map(Number).filter(Number.isFinite)));
  const x = timeX(timeRange, area);
  const stepMs = step(times.values, timeRange);
  // Narrow columns overlap by a hair: gaps between them would be stripes.
  const gap = x(times.values[0] + stepMs) - x(times.values[0]) > 5 ? 0.5 : -0.5;
  const rowHeight = area.height / rows.length;
  const every = Math.ceil((LABEL_PX + 4) / rowHeight);
  return (
    <Svg width={width} height={height} theme={theme}>
      <AxisLabel text={label} area={area} theme={theme} />
      <TimeAxis range={timeRange} timeZone={timeZone} area={area} theme={theme} />
      {rows.map((field, row) => {
        const y = area.top + area.height - (row + 1) * rowHeight;
        return (
          <g key={row}>
            {row % every === 0 && (
              <text x={left - 8} y={y + rowHeight / 2 + LABEL_PX / 3} textAnchor="end" fill={theme.colors.text.primary}>
                {cut(labels[row]!, left)}
              </text>
            )}
            {field.values.map((value: number | null, column: number) => {
              const [begin, end] = [x(times.values[column]), x(times.values[column] + stepMs)];
              const shown = value !== null && value > (options.filterValues?.le ?? 0) && end > area.left && begin < area.left + area.width;
              const clipped = [Math.max(begin, area.left), Math.min(end, area.left + area.width)] as const;
              return shown ? (
                <rect key={column} x={clipped[0]} y={y} width={Math.max(1, clipped[1] - clipped[0] - gap)} height={Math.max(1, rowHeight - 1)} fill={colour(value / most)}>
                  <title>{`${dateTimeFormat(times.values[column], { timeZone })} ${labels[row]}: ${display(field, value)}`}</title>
                </rect>
              ) : null;
            })}
          </g>
        );
      })}
    </Svg>
  );
}
