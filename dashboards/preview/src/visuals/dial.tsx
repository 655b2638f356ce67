// @grafana/ui has no gauge any more, so this one is the preview's own: an arc in the value's colour, thresholds outside.
import { type FieldDisplay, formattedValueToString, ThresholdsMode } from "@grafana/data";
import { useTheme2 } from "@grafana/ui";

const BEGIN = -210;
const SWEEP = 240;

function point(cx: number, cy: number, radius: number, share: number): string {
  const angle = ((BEGIN + SWEEP * share) * Math.PI) / 180;
  return `${cx + radius * Math.cos(angle)} ${cy + radius * Math.sin(angle)}`;
}

function arc(cx: number, cy: number, radius: number, from: number, to: number): string {
  const large = SWEEP * (to - from) > 180 ? 1 : 0;
  return `M ${point(cx, cy, radius, from)} A ${radius} ${radius} 0 ${large} 1 ${point(cx, cy, radius, to)}`;
}

export function Dial(props: { value: FieldDisplay; width: number; height: number; showName: boolean }) {
  const { value, width, height, showName } = props;
  const theme = useTheme2();
  const { display, field } = value;
  const min = field.min ?? 0;
  const max = field.max ?? 100;
  const share = (number: number) => Math.min(1, Math.max(0, (number - min) / (max - min || 1)));
  const room = height - (showName ? 20 : 0);
  const radius = Math.max(10, Math.min(width / 2 - 12, room / 1.6 - 8));
  const [cx, cy] = [width / 2, radius + 8];
  const bar = Math.max(6, radius * 0.22);
  const relative = field.thresholds?.mode === ThresholdsMode.Percentage;
  const steps = (field.thresholds?.steps ?? []).map((step) => ({
    color: theme.visualization.getColorByName(step.color),
    at: Number.isFinite(step.value ?? -Infinity) ? (relative ? step.value / 100 : share(step.value)) : 0,
  }));
  return (
    <svg width={width} height={height} style={{ fontFamily: theme.typography.fontFamily }}>
      <path d={arc(cx, cy, radius - bar / 2 - 6, 0, 1)} stroke={theme.colors.background.secondary} strokeWidth={bar} fill="none" />
      {share(display.numeric) > 0 && (
        <path d={arc(cx, cy, radius - bar / 2 - 6, 0, share(display.numeric))} stroke={display.color} strokeWidth={bar} fill="none" />
      )}
      {steps.map((step, index) => (
        <path key={index} d={arc(cx, cy, radius, step.at, steps[index + 1]?.at ?? 1)} stroke={step.color} strokeWidth={4} fill="none" />
      ))}
      <text x={cx} y={cy + radius * 0.1} textAnchor="middle" fontSize={radius * 0.38} fontWeight={500} fill={display.color ?? theme.colors.text.primary}>
        {formattedValueToString(display)}
      </text>
      {showName && (
        <text x={cx} y={height - 6} textAnchor="middle" fontSize={14} fill={theme.colors.text.primary}>
          {display.title}
        </text>
      )}
    </svg>
  );
}
