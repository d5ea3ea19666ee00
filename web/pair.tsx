import { formatInteger } from "../src/common/format_value.ts";
import { lab } from "./hooks.ts";

/** Two numbers, which a press adds in the section `Ask it`. */
export function Pair({ a, b }: { a: number; b: number }) {
  const play = () => {
    lab.sum.play(a, b);
    document.getElementById("sum-grid")!.scrollIntoView({ block: "nearest" });
  };
  const text = `${formatInteger(a)} + ${formatInteger(b)}`;
  return <button type="button" class="pair" aria-label={`Add ${text}`} onClick={play}>{text}</button>;
}
