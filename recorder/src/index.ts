export { createRecorder } from "./create";
export type * from "./types";
