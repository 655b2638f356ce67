import { createRecorder as inner } from "./recorder";
import type { Options, Recorder } from "./types";

export type * from "./types";

/** Create a recorder for one user. It never throws, and its methods neither. */
export const createRecorder: (options: Options) => Recorder = inner;
