// The Python side's answers. It runs the queries, as Grafana's backend does; the page draws.
import { type DataFrameJSON } from "@grafana/data";

export interface Target {
  refId?: string;
  hide?: boolean;
}

export interface Link {
  title: string;
  url?: string;
  /** `dashboards`: one link to each dashboard with these tags. */
  type?: string;
  tags?: string[];
  keepTime?: boolean;
  includeVars?: boolean;
}

export interface Panel {
  id: number;
  type: string;
  title?: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  options?: Record<string, any>;
  fieldConfig?: { defaults?: Record<string, any>; overrides?: any[] };
  targets?: Target[];
  transformations?: Array<{ id: string; disabled?: boolean; options: any }>;
  links?: Link[];
  interval?: string;
  maxDataPoints?: number;
  transparent?: boolean;
  repeat?: string;
  collapsed?: boolean;
  panels?: Panel[];
}

export interface Dashboard {
  uid: string;
  title: string;
  description?: string;
  tags?: string[];
  links?: Link[];
  panels: Panel[];
  timezone?: string;
}

/** A resolved variable: what is chosen, as text for titles and as values for links. */
export interface Variable {
  name: string;
  label: string;
  type: string;
  hidden: boolean;
  text: string;
  values: string[];
  error?: string;
}

export interface DashboardAnswer {
  dashboard: Dashboard;
  others: Array<{ uid: string; title: string; tags: string[] }>;
  variables: Variable[];
  from: number;
  to: number;
}

export interface PanelAnswer {
  frames: DataFrameJSON[];
  errors: Array<{ refId: string; message: string }>;
}

async function get<T>(path: string): Promise<T> {
  const response = await fetch(path);
  if (!response.ok) {
    throw new Error(await response.text());
  }
  return response.json();
}

export function getDashboard(uid: string, query: URLSearchParams): Promise<DashboardAnswer> {
  return get(`/api/dashboard/${uid}?${query}`);
}

export function getPanel(uid: string, id: number, query: URLSearchParams, intervalMs: number): Promise<PanelAnswer> {
  const asked = new URLSearchParams(query);
  asked.set("interval_ms", String(intervalMs));
  return get(`/api/panel/${uid}/${id}?${asked}`);
}
