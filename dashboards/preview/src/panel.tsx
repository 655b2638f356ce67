// One panel: requests its frames, prepares and draws them. The panel shows what fails or can't be drawn.
import {
  type DataFrame,
  dataFrameFromJSON,
  type InterpolateFunction,
  LoadingState,
  rangeUtil,
  type TimeRange,
} from "@grafana/data";
import { Icon, PanelChrome, Tooltip, useTheme2 } from "@grafana/ui";
import { Component, type ReactNode, useEffect, useState } from "react";

import { getPanel, type Panel } from "./api";
import { prepare } from "./fields";
import { OURS, VISUALS } from "./visuals";
import { NotDrawn } from "./visuals/kinds";

export interface Context {
  uid: string;
  query: URLSearchParams;
  timeRange: TimeRange;
  timeZone: string;
  replaceVariables: InterpolateFunction;
  /** Counts refreshes. */
  round: number;
  /** Called once a panel has drawn its data or reported why it can't. */
  done: (id: number) => void;
}

interface State {
  frames?: DataFrame[];
  error?: string;
  /** What this preview can't draw, which is not an error of the panel. */
  note?: string;
}

class Boundary extends Component<{ children: ReactNode; retry: unknown }, { error?: Error; retry?: unknown }> {
  state: { error?: Error; retry?: unknown } = {};

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  static getDerivedStateFromProps(props: { retry: unknown }, state: { retry?: unknown }) {
    return props.retry === state.retry ? null : { error: undefined, retry: props.retry };
  }

  render() {
    const { error } = this.state;
    return error ? <Message text={error.message} failed={!(error instanceof NotDrawn)} /> : this.props.children;
  }
}

function Message({ text, failed }: { text: string; failed?: boolean }) {
  const theme = useTheme2();
  const color = failed ? theme.colors.error.text : theme.colors.text.secondary;
  return (
    <div
      data-message={failed ? "error" : "note"}
      style={{ color, height: "100%", display: "grid", placeContent: "center", textAlign: "center", padding: 8, overflow: "auto" }}
    >
      {text}
    </div>
  );
}

function unsupported(panel: Panel): string | undefined {
  if (!VISUALS[panel.type]) {
    return `not drawn here: panels of type ${panel.type}`;
  }
  return panel.repeat ? "not drawn here: repeated panels" : undefined;
}

async function load(panel: Panel, width: number, context: Context, theme: any): Promise<State> {
  if (panel.type === "text") {
    return { frames: [] };
  }
  const { intervalMs } = rangeUtil.calculateInterval(context.timeRange, panel.maxDataPoints ?? width, panel.interval || "1s");
  const answer = await getPanel(context.uid, panel.id, context.query, intervalMs);
  const error = answer.errors.map(({ refId, message }) => `${refId}: ${message}`).join("\n") || undefined;
  const frames = answer.frames.map((frame) => dataFrameFromJSON(frame));
  try {
    return { frames: await prepare(panel, frames, theme, context.timeZone, context.replaceVariables), error };
  } catch (failure) {
    return failure instanceof NotDrawn ? { error, note: failure.message } : { error: error ?? (failure as Error).message };
  }
}

export function PanelView({ panel, context, width, height }: { panel: Panel; context: Context; width: number; height: number }) {
  const theme = useTheme2();
  const [state, setState] = useState<State>();
  const refused = unsupported(panel);
  useEffect(() => {
    let current = true;
    const answered = refused ? Promise.resolve<State>({}) : load(panel, width, context, theme);
    answered
      .catch((failure: Error) => ({ error: failure.message }))
      .then((next) => current && setState(next))
      // The second frame comes after the browser has painted the first.
      .then(() => requestAnimationFrame(() => requestAnimationFrame(() => current && context.done(panel.id))));
    return () => {
      current = false;
    };
  }, [context.round, context.query, theme]);
  const Visual = VISUALS[panel.type];
  const rows = (state?.frames ?? []).reduce((sum, frame) => sum + frame.length, 0);
  const content = (innerWidth: number, innerHeight: number) => {
    if (refused || !Visual) {
      return <Message text={refused ?? ""} />;
    }
    if (!state) {
      return null;
    }
    if (state.error && rows === 0) {
      return <Message text={state.error} failed />;
    }
    if (rows === 0 && panel.type !== "text") {
      return <Message text={state.note ?? panel.fieldConfig?.defaults?.noValue ?? "No data"} />;
    }
    return (
      <Boundary retry={state}>
        <Visual panel={panel} frames={state.frames ?? []} width={innerWidth} height={innerHeight} {...context} />
      </Boundary>
    );
  };
  return (
    <div data-panel={panel.id} data-type={panel.type} style={{ width, height }}>
      <PanelChrome
        width={width}
        height={height}
        title={context.replaceVariables(panel.title ?? "")}
        description={panel.description && context.replaceVariables(panel.description)}
        displayMode={panel.transparent ? "transparent" : "default"}
        loadingState={state ? LoadingState.Done : LoadingState.Loading}
        statusMessage={rows > 0 ? state?.error : undefined}
        titleItems={titleItems(panel, context)}
      >
        {content}
      </PanelChrome>
    </div>
  );
}

function titleItems(panel: Panel, context: Context): ReactNode {
  const links = panel.links ?? [];
  if (links.length === 0 && !OURS.has(panel.type)) {
    return undefined;
  }
  return (
    <>
      {links.map((link) => (
        <a key={link.title} href={context.replaceVariables(link.url ?? "")} style={{ display: "flex", padding: 4 }}>
          <Tooltip content={context.replaceVariables(link.title)}>
            <Icon name="external-link-alt" size="sm" />
          </Tooltip>
        </a>
      ))}
      {OURS.has(panel.type) && (
        <Tooltip content={`@grafana/ui has no ${panel.type}: this one is the preview's own drawing`}>
          <Icon name="pen" size="sm" style={{ margin: 4, opacity: 0.6 }} />
        </Tooltip>
      )}
    </>
  );
}
