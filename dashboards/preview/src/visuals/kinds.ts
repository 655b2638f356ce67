import { type DataFrame, type InterpolateFunction, type TimeRange } from "@grafana/data";

import { type Panel } from "../api";

/** A visualisation's input: frames with their field configuration applied, and the room it has (px). */
export interface VisualProps {
  panel: Panel;
  frames: DataFrame[];
  width: number;
  height: number;
  timeRange: TimeRange;
  timeZone: string;
  replaceVariables: InterpolateFunction;
}

/** Thrown by a visualisation for what it can't draw; the panel shows this text. */
export class NotDrawn extends Error {
  constructor(what: string) {
    super(`not drawn here: ${what}`);
  }
}
