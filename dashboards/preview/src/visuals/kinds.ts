import { type DataFrame, type InterpolateFunction, type TimeRange } from "@grafana/data";

import { type Panel } from "../api";

/** What a visualisation is given: frames with their field configuration applied, and the room it has (px). */
export interface VisualProps {
  panel: Panel;
  frames: DataFrame[];
  width: number;
  height: number;
  timeRange: TimeRange;
  timeZone: string;
  replaceVariables: InterpolateFunction;
}

/** Raised by a visualisation for what it can't draw; the panel says so in this text. */
export class NotDrawn extends Error {
  constructor(what: string) {
    super(`not drawn here: ${what}`);
  }
}
