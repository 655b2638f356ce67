// The page of one dashboard: /d/<uid>?theme=dark&from=<ms>&to=<ms>&refresh=<s>&var-<name>=<value>.
// `document.body.dataset.ready` is set once every panel has drawn or reported why not: pictures wait for it.
import "uplot/dist/uPlot.min.css";

import { createTheme, dateTime, EventBusSrv, ThemeContext, type TimeRange } from "@grafana/data";
import { GlobalStyles, PanelContextProvider, PortalContainer } from "@grafana/ui";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { createRoot } from "react-dom/client";

import { type DashboardAnswer, getDashboard } from "./api";
import { DashboardView, shownAtFirst } from "./dashboard";
import { registerTransformations } from "./fields";
import { interpolation } from "./variables";
import { type Context } from "./panel";
import { NotDrawn } from "./visuals/kinds";

declare global {
  interface Window {
    __preview: { version: string };
  }
}

const uid = location.pathname.split("/")[2] ?? "";
const query = new URLSearchParams(location.search);
const theme = createTheme({ colors: { mode: query.get("theme") === "light" ? "light" : "dark" } });
/** Whether every section is opened, for pictures; otherwise those of the dashboard that are. */
const openAll = query.get("open") === "all";
const refreshSeconds = Number(query.get("refresh") ?? 0);

function useWidth(): number {
  const [width, setWidth] = useState(document.documentElement.clientWidth);
  useEffect(() => {
    const changed = () => setWidth(document.documentElement.clientWidth);
    addEventListener("resize", changed);
    return () => removeEventListener("resize", changed);
  }, []);
  return width;
}

function App() {
  const [round, setRound] = useState(0);
  const [answer, setAnswer] = useState<DashboardAnswer>();
  const [error, setError] = useState<string>();
  const width = useWidth();
  const waiting = useRef(new Set<number>());

  useEffect(() => {
    getDashboard(uid, query).then((next) => {
      waiting.current = new Set(shownAtFirst(next.dashboard.panels, openAll).map((each) => each.id));
      setAnswer(next);
      setError(undefined);
    }, (failure: Error) => setError(failure.message));
    const timer = refreshSeconds > 0 ? setTimeout(() => setRound(round + 1), 1000 * refreshSeconds) : undefined;
    return () => clearTimeout(timer);
  }, [round]);

  const done = useCallback((id: number) => {
    waiting.current.delete(id);
    if (waiting.current.size === 0) {
      document.fonts.ready.then(() => (document.body.dataset.ready = "true"));
    }
  }, []);

  const context = useMemo<Context | undefined>(() => {
    if (!answer) {
      return undefined;
    }
    const { from, to } = answer;
    const timeRange: TimeRange = { from: dateTime(from), to: dateTime(to), raw: { from: dateTime(from), to: dateTime(to) } };
    const asked = new URLSearchParams(query);
    asked.set("from", String(from));
    asked.set("to", String(to));
    const replaceVariables = interpolation(answer.variables, from, to);
    return { uid, query: asked, timeRange, timeZone: "utc", replaceVariables, round, done };
  }, [answer]);

  useEffect(() => {
    if (error) {
      document.body.dataset.ready = "true";
    }
  }, [error]);

  if (error) {
    return <main data-message="error" style={{ padding: 16, color: theme.colors.error.text }}>{error}</main>;
  }
  return answer && context ? (
    <DashboardView answer={answer} context={context} width={width} version={window.__preview.version} openAll={openAll} />
  ) : null;
}

registerTransformations();
document.documentElement.style.background = theme.colors.background.canvas;
const root = createRoot(document.getElementById("root")!, {
  // A panel that can't be drawn says so itself; it is not an error of the page.
  onCaughtError: (error) => error instanceof NotDrawn || console.error(error),
});
root.render(
  <ThemeContext.Provider value={theme}>
    <GlobalStyles />
    <PanelContextProvider value={{ eventsScope: "preview", eventBus: new EventBusSrv() }}>
      <App />
      <PortalContainer />
    </PanelContextProvider>
  </ThemeContext.Provider>,
);
