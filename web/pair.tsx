import { formatInteger } from "../src/common/format_value.ts";
import type { Sum } from "./sum.ts";

/** Two numbers, which a press adds in the section `Add`. */
export function Pair({ sum, a, b }: { sum: Sum; a: number; b: number }) {
  const play = () => {
    sum.play(a, b);
    document.getElementById("sum-grid")!.scrollIntoView({ block: "nearest" });
  };
  const text = `${formatInteger(a)} + ${formatInteger(b)}`;
  return <button type="button" class="pair" aria-label={`Add ${text}`} onClick={play}>{text}</button>;
}
