import { TableNG } from "@grafana/ui/unstable";

import { type VisualProps } from "./kinds";

export function TablePanel({ panel, frames, width, height, timeRange }: VisualProps) {
  const options = panel.options ?? {};
  const frame = frames[options.frameIndex ?? 0] ?? frames[0]!;
  return (
    <TableNG
      data={frame}
      width={width}
      height={height}
      noHeader={options.showHeader === false}
      cellHeight={options.cellHeight}
      sortBy={options.sortBy}
      enablePagination={options.enablePagination ?? options.footer?.enablePagination ?? false}
      timeRange={timeRange}
      fieldConfig={panel.fieldConfig as any}
      structureRev={1}
    />
  );
}
