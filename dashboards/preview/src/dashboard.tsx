// A whole dashboard: its header, and its panels on Grafana's grid of 24 columns.
import { dateTimeFormat } from "@grafana/data";
import { Icon, useTheme2 } from "@grafana/ui";
import { useState } from "react";

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

function Row(props: { panel: Panel; title: string; open: boolean; toggle: () => void }) {
  const { panel, title, open, toggle } = props;
  const theme = useTheme2();
  const count = panel.panels?.length ?? 0;
  const style = { ...theme.typography.h5, padding: "4px 0", color: theme.colors.text.primary };
  if (!panel.collapsed) {
    return <div data-panel={panel.id} data-type="row" style={style}>{title}</div>;
  }
  return (
    <div data-panel={panel.id} data-type="row" onClick={toggle} style={{ ...style, cursor: "pointer", display: "flex", gap: 8, alignItems: "center" }}>
      <Icon name={open ? "angle-down" : "angle-right"} />
      {title}
      <span style={{ ...theme.typography.bodySmall, color: theme.colors.text.secondary }}>{open ? "" : `(${count} ${count === 1 ? "panel" : "panels"})`}</span>
    </div>
  );
}

/** The panels that are asked for data when the page opens: those of closed sections are not. */
export function shownAtFirst(panels: Panel[], openAll: boolean): Panel[] {
  const isOpen = (row: Panel) => openAll || !row.collapsed;
  return panels.flatMap((panel) => (panel.type === "row" ? (isOpen(panel) ? (panel.panels ?? []) : []) : [panel]));
}

/** Every panel with where it is drawn: an opened section moves down what comes after it. */
function laidOut(panels: Panel[], width: number, isOpen: (row: Panel) => boolean): Array<{ panel: Panel; box: Box }> {
  let rows = 0;
  return panels.flatMap((panel) => {
    const moved = (each: Panel) => ({ panel: each, box: place({ ...each, gridPos: { ...each.gridPos, y: each.gridPos.y + rows } }, width) });
    const inner = panel.type === "row" && isOpen(panel) ? (panel.panels ?? []) : [];
    const drawn = [panel, ...inner].map(moved);
    const below = panel.gridPos.y + panel.gridPos.h;
    rows += Math.max(0, ...inner.map(({ gridPos }) => gridPos.y + gridPos.h - below));
    return drawn;
  });
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

interface ViewProps {
  answer: DashboardAnswer;
  context: Context;
  width: number;
  version: string;
  openAll: boolean;
}

export function DashboardView(props: ViewProps) {
  const { answer, context, version, openAll } = props;
  const [toggled, setToggled] = useState<Set<number>>(new Set());
  const isOpen = (row: Panel) => (openAll || !row.collapsed) !== toggled.has(row.id);
  const toggle = (id: number) => setToggled((before) => new Set(before.has(id) ? [...before].filter((each) => each !== id) : [...before, id]));
  const width = props.width - 2 * PADDING_PX;
  const placed = laidOut(answer.dashboard.panels, width, isOpen);
  const height = Math.max(0, ...placed.map(({ box }) => box.top + box.height));
  return (
    <main style={{ padding: PADDING_PX, width: props.width }}>
      <Head answer={answer} context={context} version={version} />
      <div style={{ position: "relative", width, height }}>
        {placed.map(({ panel, box }) => (
          <div key={panel.id} style={{ position: "absolute", ...box }}>
            {panel.type === "row" ? (
              <Row panel={panel} title={context.replaceVariables(panel.title ?? "")} open={isOpen(panel)} toggle={() => toggle(panel.id)} />
            ) : (
              <PanelView panel={panel} context={context} width={box.width} height={box.height} />
            )}
          </div>
        ))}
      </div>
    </main>
  );
}
