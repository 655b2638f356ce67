/** A number from 0 to `most`, in thousandths; `otherwise` for what is none. */
export const between = <T>(most: number, value: unknown, otherwise?: T): number | T =>
  typeof value == "number" && value >= 0 && value <= most ? Math.round(value * 1000) / 1000 : otherwise!;
