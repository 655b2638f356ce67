// Field configuration as @grafana/data applies it: defaults, overrides by name, regexp or type, thresholds, mappings.
import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  type DataFrame,
  dataLinksOverrideProcessor,
  displayNameOverrideProcessor,
  type Field,
  FieldColorModeId,
  type FieldConfigPropertyItem,
  FieldConfigOptionsRegistry,
  FieldType,
  type GrafanaTheme2,
  identityOverrideProcessor,
  type InterpolateFunction,
  numberOverrideProcessor,
  standardTransformers,
  standardTransformersRegistry,
  thresholdsOverrideProcessor,
  ThresholdsMode,
  transformDataFrame,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
} from "@grafana/data";
import { firstValueFrom } from "rxjs";

import { type Panel } from "./api";
import { NotDrawn } from "./visuals/kinds";

const PROCESSORS: Record<string, any> = {
  displayName: displayNameOverrideProcessor,
  unit: unitOverrideProcessor,
  min: numberOverrideProcessor,
  max: numberOverrideProcessor,
  decimals: numberOverrideProcessor,
  noValue: identityOverrideProcessor,
  color: identityOverrideProcessor,
  thresholds: thresholdsOverrideProcessor,
  mappings: valueMappingsOverrideProcessor,
  links: dataLinksOverrideProcessor,
  filterable: identityOverrideProcessor,
  fieldMinMax: identityOverrideProcessor,
};

/** The defaults of Grafana's panels where the JSON sets nothing. */
const CUSTOM_DEFAULTS: Record<string, Record<string, any>> = {
  timeseries: {
    drawStyle: "line",
    lineInterpolation: "linear",
    lineWidth: 1,
    fillOpacity: 0,
    gradientMode: "none",
    showPoints: "auto",
    pointSize: 5,
    spanNulls: false,
    barAlignment: 0,
    axisPlacement: "auto",
    axisGridShow: true,
    scaleDistribution: { type: "linear" },
    stacking: { mode: "none", group: "A" },
    thresholdsStyle: { mode: "off" },
    hideFrom: { tooltip: false, viz: false, legend: false },
  },
  table: { align: "auto", cellOptions: { type: "auto" }, inspect: false },
};
const BY_SERIES = new Set(["timeseries", "barchart", "histogram"]);

/** As in Grafana, these of a panel's defaults don't reach the fields that are its x axis. */
const NOT_ALONG_X = new Set(["custom.axisLabel"]);

function item(id: string, isCustom: boolean): FieldConfigPropertyItem {
  const shouldApply = (field: Field) => !NOT_ALONG_X.has(id) || (field.type !== FieldType.time && field.type !== FieldType.string);
  const path = isCustom ? id.slice("custom.".length) : id;
  const process = PROCESSORS[id] ?? identityOverrideProcessor;
  const nothing = () => null;
  return { id, path, name: id, isCustom, process, shouldApply, override: nothing, editor: nothing };
}

/** Return a registry of what this panel sets: its plugin's own properties are copied as they are. */
function registry(panel: Panel): FieldConfigOptionsRegistry {
  const made = new FieldConfigOptionsRegistry(() => Object.keys(PROCESSORS).map((id) => item(id, false)));
  const custom = new Set(Object.keys(panel.fieldConfig?.defaults?.custom ?? {}).map((key) => `custom.${key}`));
  Object.keys(CUSTOM_DEFAULTS[panel.type] ?? {}).forEach((key) => custom.add(`custom.${key}`));
  for (const override of panel.fieldConfig?.overrides ?? []) {
    override.properties
      .filter((property: { id: string }) => property.id.startsWith("custom."))
      .forEach((property: { id: string }) => custom.add(property.id));
  }
  custom.forEach((id) => made.register(item(id, true)));
  return made;
}

/** Return the panel's field configuration over the defaults of its kind. */
export function fieldConfig(panel: Panel): { defaults: any; overrides: any[] } {
  const given = panel.fieldConfig?.defaults ?? {};
  const defaults = {
    color: { mode: BY_SERIES.has(panel.type) ? FieldColorModeId.PaletteClassic : FieldColorModeId.Thresholds },
    thresholds: {
      mode: ThresholdsMode.Absolute,
      steps: [
        { value: -Infinity, color: "green" },
        { value: 80, color: "red" },
      ],
    },
    ...given,
    custom: { ...CUSTOM_DEFAULTS[panel.type], ...given.custom },
  };
  return structuredClone({ defaults, overrides: panel.fieldConfig?.overrides ?? [] });
}

/** Transform the frames and apply the field configuration. Throws NotDrawn for a transformation unknown to @grafana/data. */
export async function prepare(
  panel: Panel,
  frames: DataFrame[],
  theme: GrafanaTheme2,
  timeZone: string,
  replaceVariables: InterpolateFunction,
): Promise<DataFrame[]> {
  const steps = (panel.transformations ?? []).filter((step) => !step.disabled);
  for (const step of steps) {
    if (!standardTransformersRegistry.getIfExists(step.id)) {
      throw new NotDrawn(`the transformation ${step.id}`);
    }
  }
  const context = { interpolate: replaceVariables };
  const transformed = steps.length ? await firstValueFrom(transformDataFrame(steps, frames, context)) : frames;
  const made = applyFieldOverrides({
    data: transformed,
    fieldConfig: fieldConfig(panel),
    fieldConfigRegistry: registry(panel),
    replaceVariables,
    theme,
    timeZone,
  });
  // A table's header uses only names that are already computed.
  cacheFieldDisplayNames(made);
  return made;
}

export function registerTransformations(): void {
  // Some are registered under two names.
  const byId = new Map(Object.values(standardTransformers).map((transformer: any) => [transformer.id, transformer]));
  standardTransformersRegistry.setInit(() =>
    [...byId.values()].map((transformer: any) => ({
      id: transformer.id,
      name: transformer.name,
      transformation: () => Promise.resolve(transformer),
      defaultOptions: transformer.defaultOptions,
      editor: () => null,
      imageDark: "",
      imageLight: "",
    })),
  );
}
