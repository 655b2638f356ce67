import { type DataFrame, FieldType } from "@grafana/data";
import { TimeSeries, TooltipDisplayMode, TooltipPlugin } from "@grafana/ui";

import { NotDrawn, type VisualProps } from "./kinds";

/** Frames that have a time and a number. */
export function overTime(frames: DataFrame[]): DataFrame[] {
  const isOne = (frame: DataFrame) =>
    frame.fields.some((field) => field.type === FieldType.time) &&
    frame.fields.some((field) => field.type === FieldType.number);
  return frames.filter(isOne);
}

export function TimeSeriesPanel({ panel, frames, width, height, timeRange, timeZone }: VisualProps) {
  const drawn = overTime(frames);
  if (drawn.length === 0) {
    throw new NotDrawn("a result with no time and number, which a time series needs");
  }
  const legend = { showLegend: true, displayMode: "list", placement: "bottom", calcs: [], ...panel.options?.legend };
  const mode = panel.options?.tooltip?.mode ?? TooltipDisplayMode.Multi;
  return (
    <TimeSeries frames={drawn} width={width} height={height} timeRange={timeRange} timeZone={timeZone} legend={legend}>
      {(config, aligned) => (
        <TooltipPlugin config={config} data={aligned} frames={drawn} mode={mode} timeZone={timeZone} />
      )}
    </TimeSeries>
  );
}
