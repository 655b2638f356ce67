// Variables in titles and links: `$name`, `${name}`, `${name:format}`, and what Grafana adds in links.
import { formattedValueToString, getFieldDisplayName, type InterpolateFunction, type ScopedVars } from "@grafana/data";

import { type Variable } from "./api";

const NAMED = /\$(\w+)|\$\{([\w.]+)((?:\["[^"]*"\]|\[\d+\]|\.\w+)*)(?::(\w+))?\}/g;

/** Return Grafana's interpolation over these variables; unknown names stay as they are. */
export function interpolation(variables: Variable[], from: number, to: number): InterpolateFunction {
  const chosen = (variable: Variable) =>
    variable.values.map((value) => `var-${variable.name}=${encodeURIComponent(value)}`).join("&");
  return (text, scoped) =>
    (text ?? "").replace(NAMED, (whole, plain, braced, path, format) => {
      const name: string = plain ?? braced + (path ?? "");
      if (name === "__url_time_range") {
        return `from=${from}&to=${to}`;
      }
      if (name === "__all_variables") {
        return variables.filter((variable) => variable.type !== "datasource").map(chosen).join("&");
      }
      if (name === "__from" || name === "__to") {
        return String(name === "__from" ? from : to);
      }
      if (name.startsWith("__")) {
        return ofTheData(name, scoped) ?? whole;
      }
      const variable = variables.find((each) => each.name === name);
      if (!variable) {
        return whole;
      }
      return format === "queryparam" ? chosen(variable) : variable.text;
    });
}

function ofTheData(name: string, scoped?: ScopedVars): string | undefined {
  const context: any = scoped?.__dataContext?.value;
  if (!context) {
    return undefined;
  }
  const { field, frame, rowIndex } = context;
  if (name === "__field.name") {
    return getFieldDisplayName(field, frame);
  }
  if (name.startsWith("__value")) {
    const raw = field.values[rowIndex];
    return name === "__value.text" ? formattedValueToString(field.display(raw)) : String(raw ?? "");
  }
  const column = /^__data\.fields(?:\["([^"]+)"\]|\[(\d+)\]|\.(\w+))/.exec(name);
  if (!column) {
    return undefined;
  }
  const wanted = column[2] ? frame.fields[Number(column[2])] : frame.fields.find((each: any) =>
    [each.name, getFieldDisplayName(each, frame)].includes(column[1] ?? column[3] ?? ""));
  return wanted ? String(wanted.values[rowIndex] ?? "") : undefined;
}
