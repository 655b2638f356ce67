// A whole dashboard: its header, and its panels on Grafana's grid of 24 columns.
import { dateTimeFormat } from "@grafana/data";
import { useTheme2 } from "@grafana/ui";

import { type DashboardAnswer, type Panel } from "./api";
import { type Context, PanelView } from "./panel";

const COLUMNS = 24;
const CELL_PX = 30;
const GAP_PX = 8;
const PADDING_PX = 16;
const KEPT = ["theme", "refresh"]
  .flatMap((name) => new URLSearchParams(location.search).getAll(name).map((value) => `${name}=${value}`))
  .join("&");

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

function place(panel: Panel, width: number): Box {
  const column = (width + GAP_PX) / COLUMNS;
  const { x, y, w, h } = panel.gridPos;
  return {
    left: x * column,
    top: y * (CELL_PX + GAP_PX),
    width: w * column - GAP_PX,
    height: h * (CELL_PX + GAP_PX) - GAP_PX,
  };
}

function Row({ panel, title }: { panel: Panel; title: string }) {
  const theme = useTheme2();
  const hidden = panel.collapsed ? panel.panels?.length : 0;
  return (
    <div data-panel={panel.id} data-type="row" style={{ ...theme.typography.h5, padding: "4px 0", color: theme.colors.text.primary }}>
      {title}
      {hidden ? ` (collapsed; not drawn here: ${hidden} panels)` : ""}
    </div>
  );
}

/** A dashboard's links; a link that names tags becomes one to each dashboard. They keep theme and refresh. */
function links(answer: DashboardAnswer): Array<{ title: string; url: string }> {
  return (answer.dashboard.links ?? []).flatMap((link) => {
    const kept = [link.keepTime ? "${__url_time_range}" : "", link.includeVars ? "${__all_variables}" : "", KEPT];
    const query = kept.filter(Boolean).join("&");
    if (link.type !== "dashboards") {
      return [{ title: link.title, url: link.url ?? "/" }];
    }
    return answer.others
      .filter((other) => (link.tags ?? []).every((tag) => other.tags.includes(tag)))
      .map((other) => ({ title: other.title, url: `/d/${other.uid}?${query}` }));
  });
}

function Head({ answer, context, version }: { answer: DashboardAnswer; context: Context; version: string }) {
  const theme = useTheme2();
  const { dashboard, variables, from, to } = answer;
  const soft = { color: theme.colors.text.secondary };
  const box = { background: theme.colors.background.secondary, padding: "4px 8px", borderRadius: 2 };
  const shownTime = (at: number) => dateTimeFormat(at, { format: "YYYY-MM-DD HH:mm:ss", timeZone: context.timeZone });
  return (
    <header style={{ display: "grid", gap: 8, marginBottom: 12 }}>
      <div style={{ display: "flex", gap: 12, alignItems: "baseline", flexWrap: "wrap" }}>
        <h1 style={{ ...theme.typography.h3, margin: 0 }}>{dashboard.title}</h1>
        <span style={soft}>{dashboard.description}</span>
        <span style={{ ...box, marginLeft: "auto" }}>{`${shownTime(from)} to ${shownTime(to)} UTC`}</span>
      </div>
      <div style={{ display: "flex", gap: 8, flexWrap: "wrap", alignItems: "center" }}>
        {variables
          .filter((variable) => !variable.hidden)
          .map((variable) => (
            <span key={variable.name} style={box}>
              <span style={soft}>{variable.label} </span>
              {variable.error ? `not resolved: ${variable.error}` : variable.text}
            </span>
          ))}
        <span style={{ marginLeft: "auto", display: "flex", gap: 12 }}>
          {links(answer).map(({ title, url }) => (
            <a key={title} href={context.replaceVariables(url)} style={{ color: theme.colors.text.link }}>
              {title}
            </a>
          ))}
        </span>
        <span style={{ ...soft, ...theme.typography.bodySmall }}>{`A preview with @grafana/ui ${version}, not Grafana`}</span>
      </div>
    </header>
  );
}

export function DashboardView(props: { answer: DashboardAnswer; context: Context; width: number; version: string }) {
  const { answer, context, version } = props;
  const width = props.width - 2 * PADDING_PX;
  const placed = answer.dashboard.panels.map((panel) => ({ panel, box: place(panel, width) }));
  const height = Math.max(0, ...placed.map(({ box }) => box.top + box.height));
  return (
    <main style={{ padding: PADDING_PX, width: props.width }}>
      <Head answer={answer} context={context} version={version} />
      <div style={{ position: "relative", width, height }}>
        {placed.map(({ panel, box }) => (
          <div key={panel.id} style={{ position: "absolute", ...box }}>
            {panel.type === "row" ? (
              <Row panel={panel} title={context.replaceVariables(panel.title ?? "")} />
            ) : (
              <PanelView panel={panel} context={context} width={box.width} height={box.height} />
            )}
          </div>
        ))}
      </div>
    </main>
  );
}
