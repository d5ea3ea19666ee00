/** A share in percent, never rounded up to 100 or down to 0. */
export function percent(share: number): string {
  if (share === 0 || share === 1) return `${100 * share}%`;
  for (const digits of [1, 2, 3, 4]) {
    const text = (100 * share).toFixed(digits);
    if (Number(text) > 0 && Number(text) < 100) return `${text}%`;
  }
  return share > 0.5 ? "> 99.9999%" : "< 0.0001%";
}

/** Three significant digits, however small. */
export function short(value: number): string {
  return Math.abs(value) >= 0.001 ? Number(value.toPrecision(3)).toString() : value.toExponential(1);
}

/** 10⁴ */
export function powerOfTen(exponent: number): string {
  const digits = [...String(Math.abs(exponent))].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

/** The name of a digit's position, counted from the ones. */
export function digitName(digit: number): string {
  return ["ones", "tens", "hundreds", "thousands"].at(digit) ?? powerOfTen(digit);
}
