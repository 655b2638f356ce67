import { createRecorder } from "./recorder";
import type { StubGlobal } from "./stub";

// The script tag's form: the same function under one global name. What the stub took until now is done first.
const before = (self as { ImpressionRecorder?: StubGlobal }).ImpressionRecorder;
(self as { ImpressionRecorder?: unknown }).ImpressionRecorder = { createRecorder };
before?._load?.(createRecorder);
