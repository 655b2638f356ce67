import { renderTextPanelMarkdown, textUtil } from "@grafana/data";

import { NotDrawn, type VisualProps } from "./kinds";

export function TextPanel({ panel, replaceVariables }: VisualProps) {
  const { mode = "markdown", content = "" } = panel.options ?? {};
  if (mode === "code") {
    throw new NotDrawn("text as code");
  }
  const text = replaceVariables(content);
  const html = mode === "html" ? textUtil.sanitizeTextPanelContent(text) : renderTextPanelMarkdown(text);
  return <div className="markdown-html" dangerouslySetInnerHTML={{ __html: html }} />;
}
