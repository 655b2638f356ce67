// States over time: one row per field, equal neighbours as one block, with the value's colour and text.
import { type DataFrame, type Field, FieldType, formattedValueToString, getFieldDisplayName, type TimeRange } from "@grafana/data";
import { useTheme2 } from "@grafana/ui";

import { cut, LABEL_PX, Svg, textWidth, TimeAxis, timeX } from "./axes";
import { NotDrawn, type VisualProps } from "./kinds";

interface Row {
  name: string;
  field: Field;
  blocks: Array<{ begin: number; end: number; value: any }>;
}

function blocks(times: number[], values: any[], range: TimeRange, merge: boolean): Row["blocks"] {
  const made: Row["blocks"] = [];
  values.forEach((value, index) => {
    const begin = times[index]!;
    const last = made.at(-1);
    if (last && merge && last.value === value) {
      return;
    }
    if (last) {
      last.end = begin;
    }
    made.push({ begin, end: range.to.valueOf(), value });
  });
  return made.filter((block) => block.value !== null && block.value !== undefined);
}

function rows(frames: DataFrame[], range: TimeRange, merge: boolean): Row[] {
  return frames.flatMap((frame) => {
    const times = frame.fields.find((field) => field.type === FieldType.time);
    return !times
      ? []
      : frame.fields
          .filter((field) => field !== times)
          .map((field) => ({
            name: getFieldDisplayName(field, frame, frames),
            field,
            blocks: blocks(times.values, field.values, range, merge),
          }));
  });
}

export function StateTimelinePanel({ panel, frames, width, height, timeRange, timeZone }: VisualProps) {
  const theme = useTheme2();
  const options = panel.options ?? {};
  const drawn = rows(frames, timeRange, options.mergeValues ?? true);
  if (drawn.length === 0) {
    throw new NotDrawn("a result with no time and state, which a state timeline needs");
  }
  const left = Math.min(width / 3, textWidth(drawn.map((row) => row.name)) + 12);
  const area = { left, top: 4, width: width - left - 12, height: height - 4 - 24 };
  const x = timeX(timeRange, area);
  const rowHeight = area.height / drawn.length;
  const bar = rowHeight * (options.rowHeight ?? 0.9);
  const inside = (at: number) => Math.min(area.left + area.width, Math.max(area.left, x(at)));
  return (
    <Svg width={width} height={height} theme={theme}>
      <TimeAxis range={timeRange} timeZone={timeZone} area={area} theme={theme} />
      {drawn.map((row, index) => {
        const y = area.top + index * rowHeight + (rowHeight - bar) / 2;
        return (
          <g key={index}>
            <text x={left - 8} y={y + bar / 2 + LABEL_PX / 3} textAnchor="end" fill={theme.colors.text.primary}>
              {cut(row.name, left)}
            </text>
            {row.blocks.map((block, number) => {
              const shown = row.field.display!(block.value);
              const [begin, end] = [inside(block.begin), inside(block.end)];
              const fill = shown.color ?? theme.colors.background.secondary;
              return (
                <g key={number}>
                  <rect x={begin} y={y} width={Math.max(0, end - begin)} height={bar} fill={fill} fillOpacity={0.85} />
                  {options.showValue !== "never" && (
                    <text x={begin + 6} y={y + bar / 2 + LABEL_PX / 3} fill={theme.colors.getContrastText(fill)}>
                      {cut(formattedValueToString(shown), end - begin - 12)}
                    </text>
                  )}
                </g>
              );
            })}
          </g>
        );
      })}
    </Svg>
  );
}
