// Stat, bar gauge and gauge: one value per field, reduced or the last, in its threshold's colour.
import {
  type DisplayValueAlignmentFactors,
  type FieldDisplay,
  getDisplayValueAlignmentFactors,
  getFieldDisplayValues,
  VizOrientation,
} from "@grafana/data";
import {
  BarGauge,
  BarGaugeDisplayMode,
  BigValue,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueJustifyMode,
  BigValueTextMode,
  useTheme2,
  VizRepeater,
} from "@grafana/ui";

import { type ReactElement } from "react";

import { fieldConfig } from "../fields";
import { Dial } from "./dial";
import { type VisualProps } from "./kinds";

function useValues({ panel, frames, timeZone, replaceVariables }: VisualProps, sparkline: boolean): FieldDisplay[] {
  const theme = useTheme2();
  return getFieldDisplayValues({
    data: frames,
    reduceOptions: { calcs: ["lastNotNull"], values: false, ...panel.options?.reduceOptions },
    fieldConfig: fieldConfig(panel),
    replaceVariables,
    theme,
    timeZone,
    sparkline,
    percentChange: panel.options?.showPercentChange ?? false,
  });
}

function repeated(
  props: VisualProps,
  values: FieldDisplay[],
  draw: (value: FieldDisplay, w: number, h: number, factors: DisplayValueAlignmentFactors, count: number, o: VizOrientation) => ReactElement,
  sizes: { autoGrid?: boolean; minVizWidth?: number; minVizHeight?: number; maxVizHeight?: number; itemSpacing?: number } = {},
) {
  const { panel, width, height, frames } = props;
  return (
    <VizRepeater<FieldDisplay, DisplayValueAlignmentFactors>
      getValues={() => values}
      getAlignmentFactors={(all) => getDisplayValueAlignmentFactors(all)}
      renderValue={({ value, width: w, height: h, alignmentFactors, count, orientation }) =>
        draw(value, w, h, alignmentFactors, count, orientation)
      }
      source={frames}
      renderCounter={0}
      width={width}
      height={height}
      orientation={panel.options?.orientation ?? VizOrientation.Auto}
      {...sizes}
    />
  );
}

export function StatPanel(props: VisualProps) {
  const theme = useTheme2();
  const options = props.panel.options ?? {};
  const graphMode: BigValueGraphMode = options.graphMode ?? BigValueGraphMode.Area;
  const values = useValues(props, graphMode !== BigValueGraphMode.None);
  return repeated(
    props,
    values,
    (value, width, height, factors, count) => (
      <BigValue
        value={value.display}
        sparkline={value.sparkline && { ...value.sparkline, timeRange: props.timeRange }}
        count={count}
        colorMode={options.colorMode ?? BigValueColorMode.Value}
        graphMode={graphMode}
        justifyMode={options.justifyMode ?? BigValueJustifyMode.Auto}
        textMode={options.textMode ?? BigValueTextMode.Auto}
        disableWideLayout={options.wideLayout === false}
        percentChangeColorMode={options.percentChangeColorMode}
        text={options.text}
        alignmentFactors={factors}
        width={width}
        height={height}
        theme={theme}
      />
    ),
    { autoGrid: true },
  );
}

export function BarGaugePanel(props: VisualProps) {
  const theme = useTheme2();
  const options = props.panel.options ?? {};
  return repeated(
    props,
    useValues(props, false),
    (value, width, height, factors, _count, orientation) => (
      <BarGauge
        value={value.display}
        field={value.field}
        display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 0)}
        orientation={orientation}
        displayMode={options.displayMode ?? BarGaugeDisplayMode.Gradient}
        valueDisplayMode={options.valueMode}
        namePlacement={options.namePlacement}
        showUnfilled={options.showUnfilled ?? true}
        text={options.text}
        alignmentFactors={factors}
        width={width}
        height={height}
        theme={theme}
      />
    ),
    { minVizWidth: options.minVizWidth ?? 8, minVizHeight: options.minVizHeight ?? 16, maxVizHeight: options.maxVizHeight ?? 300, itemSpacing: 10 },
  );
}

export function GaugePanel(props: VisualProps) {
  return repeated(props, useValues(props, false), (value, width, height) => (
    <Dial value={value} width={width} height={height} showName={props.panel.options?.showName ?? true} />
  ));
}
