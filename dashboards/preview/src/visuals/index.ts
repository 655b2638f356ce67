import { type ComponentType } from "react";

import { BarChartPanel, HistogramPanel } from "./bars";
import { HeatmapPanel } from "./heatmap";
import { type VisualProps } from "./kinds";
import { BarGaugePanel, GaugePanel, StatPanel } from "./single";
import { StateTimelinePanel } from "./statetimeline";
import { TablePanel } from "./table";
import { TextPanel } from "./text";
import { TimeSeriesPanel } from "./timeseries";

export const VISUALS: Record<string, ComponentType<VisualProps>> = {
  timeseries: TimeSeriesPanel,
  stat: StatPanel,
  bargauge: BarGaugePanel,
  gauge: GaugePanel,
  table: TablePanel,
  text: TextPanel,
  heatmap: HeatmapPanel,
  "state-timeline": StateTimelinePanel,
  barchart: BarChartPanel,
  histogram: HistogramPanel,
};

/** Panels for which @grafana/ui has no component: drawn by this preview from @grafana/data's values and colours. */
export const OURS = new Set(["gauge", "heatmap", "state-timeline", "barchart", "histogram"]);
