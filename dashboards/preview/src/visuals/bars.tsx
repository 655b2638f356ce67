// Bar chart (one bar per row of a table) and histogram (one bar per bucket of values).
import {
  buildHistogram,
  type DataFrame,
  type Field,
  FieldType,
  getFieldDisplayName,
  getFieldSeriesColor,
  histogramFieldsToFrame,
} from "@grafana/data";
import { type LegendDisplayMode, useTheme2, VizLayout, VizLegend } from "@grafana/ui";

import { AXIS_LABEL_PX, AxisLabel, cut, display, LABEL_PX, numberTicks, Svg, textWidth } from "./axes";
import { NotDrawn, type VisualProps } from "./kinds";

interface Chart {
  categories: string[];
  series: Array<{ name: string; field: Field; color: string; values: number[] }>;
  stacked: boolean;
  across: boolean;
}

const numbers = (field: Field): number[] => field.values.map((value) => Number(value ?? 0));

function Drawn({ chart, width, height }: { chart: Chart; width: number; height: number }) {
  const theme = useTheme2();
  const { categories, series, stacked, across } = chart;
  const sums = categories.map((_, row) => series.reduce((sum, each) => sum + each.values[row]!, 0));
  const largest = Math.max(0, ...(stacked ? sums : series.flatMap((each) => each.values)));
  const ticks = numberTicks(0, largest || 1, Math.max(3, Math.floor((across ? width / 80 : height / 40))));
  const top = Math.max(largest || 1, ticks.at(-1)!);
  const tickTexts = ticks.map((tick) => display(series[0]!.field, tick));
  const label: string | undefined = series[0]!.field.config.custom?.axisLabel;
  const left = Math.min(width / 3, textWidth(across ? categories : tickTexts) + 14 + (label ? AXIS_LABEL_PX : 0));
  const area = { left, top: 8, width: width - left - 16, height: height - 8 - 24 };
  const along = (across ? area.height : area.width) / Math.max(1, categories.length);
  const size = (value: number) => (value / top) * (across ? area.width : area.height);
  const room = along * 0.8;
  const thick = stacked ? room : room / series.length;
  const every = Math.ceil((across ? LABEL_PX + 4 : textWidth(categories.map((text) => cut(text, 120))) + 8) / along);
  const box = (start: number, position: number, length: number) =>
    across
      ? { x: area.left + start, y: area.top + position, width: length, height: Math.max(1, thick - 1) }
      : { x: area.left + position, y: area.top + area.height - start - length, width: Math.max(1, thick - 1), height: length };
  return (
    <Svg width={width} height={height} theme={theme}>
      <AxisLabel text={label} area={area} theme={theme} />
      {ticks.map((tick, index) => {
        const at = across ? area.left + size(tick) : area.top + area.height - size(tick);
        const line = across
          ? { x1: at, x2: at, y1: area.top, y2: area.top + area.height }
          : { x1: area.left, x2: area.left + area.width, y1: at, y2: at };
        const text = across
          ? { x: at, y: height - 8, textAnchor: "middle" as const }
          : { x: left - 8, y: at + LABEL_PX / 3, textAnchor: "end" as const };
        return (
          <g key={tick}>
            <line {...line} stroke={theme.colors.border.weak} />
            <text {...text} fill={theme.colors.text.primary}>
              {tickTexts[index]}
            </text>
          </g>
        );
      })}
      {categories.map((category, row) => {
        const begin = row * along + (along - room) / 2;
        let below = 0;
        const middle = (row + 0.5) * along;
        const text = across
          ? { x: left - 8, y: area.top + middle + LABEL_PX / 3, textAnchor: "end" as const }
          : { x: area.left + middle, y: height - 8, textAnchor: "middle" as const };
        return (
          <g key={row}>
            {series.map((each, index) => {
              const length = size(each.values[row]!);
              const start = stacked ? below : 0;
              below += length;
              return (
                <rect key={index} {...box(start, begin + (stacked ? 0 : index * thick), length)} fill={each.color} fillOpacity={0.85}>
                  <title>{`${category} ${each.name}: ${display(each.field, each.values[row])}`}</title>
                </rect>
              );
            })}
            {row % every === 0 && (
              <text {...text} fill={theme.colors.text.primary}>
                {cut(category, across ? left : 120)}
              </text>
            )}
          </g>
        );
      })}
    </Svg>
  );
}

function WithLegend({ chart, panel, width, height }: { chart: Chart } & Pick<VisualProps, "panel" | "width" | "height">) {
  const { showLegend = true, displayMode = "list", placement = "bottom" } = panel.options?.legend ?? {};
  const items = chart.series.map((each) => ({ label: each.name, color: each.color, yAxis: 1 }));
  const legend = showLegend ? (
    <VizLayout.Legend placement={placement}>
      <VizLegend items={items} displayMode={displayMode as LegendDisplayMode} placement={placement} />
    </VizLayout.Legend>
  ) : null;
  return (
    <VizLayout width={width} height={height} legend={legend}>
      {(w: number, h: number) => <Drawn chart={chart} width={w} height={h} />}
    </VizLayout>
  );
}

export function BarChartPanel(props: VisualProps) {
  const theme = useTheme2();
  const options = props.panel.options ?? {};
  const frame = props.frames[0]!;
  const labels =
    frame.fields.find((field) => options.xField && getFieldDisplayName(field, frame) === options.xField) ??
    frame.fields.find((field) => field.type !== FieldType.number);
  const values = frame.fields.filter((field) => field !== labels && field.type === FieldType.number);
  if (!labels || values.length === 0) {
    throw new NotDrawn("a result with no text and number, which a bar chart needs");
  }
  if (options.stacking === "percent") {
    throw new NotDrawn("bars stacked to 100 %");
  }
  const chart: Chart = {
    categories: labels.values.map((value) => display(labels, value)),
    series: values.map((field) => ({
      name: getFieldDisplayName(field, frame, props.frames),
      field,
      color: getFieldSeriesColor(field, theme).color,
      values: numbers(field),
    })),
    stacked: options.stacking === "normal",
    // As in Grafana: bars are horizontal if the option says so or, with "auto", if the panel is narrow.
    across: options.orientation === "horizontal" || (options.orientation === "auto" && props.width < 2 * props.height && labels.values.length > 8),
  };
  return <WithLegend chart={chart} {...props} />;
}

export function HistogramPanel(props: VisualProps) {
  const theme = useTheme2();
  const options = props.panel.options ?? {};
  const counted = buildHistogram(props.frames, { bucketSize: options.bucketSize, bucketOffset: options.bucketOffset, bucketCount: options.bucketCount }, theme);
  if (!counted) {
    throw new NotDrawn("a result with no numbers, which a histogram needs");
  }
  const frame: DataFrame = histogramFieldsToFrame(counted, theme);
  const [low] = frame.fields;
  const chart: Chart = {
    categories: low!.values.map((value) => display(low!, value)),
    series: frame.fields.slice(2).map((field) => ({
      name: getFieldDisplayName(field, frame, props.frames),
      field: { ...field, display: undefined },
      color: getFieldSeriesColor(field, theme).color,
      values: numbers(field),
    })),
    stacked: true,
    across: false,
  };
  return <WithLegend chart={chart} {...props} />;
}
