// Numbers and times as service/pages/frame/words.py writes them.

const SUPERSCRIPTS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

export function power(exponent) {
  return "10" + String(exponent).replace(/[-0-9]/g, (digit) => SUPERSCRIPTS[digit]);
}

export function number(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  if (Number.isNaN(value)) return "undefined";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (size >= 0.01 && size < 1e5) {
    const text = size.toFixed(Math.max(digits - 1 - Math.floor(Math.log10(size)), 0));
    return sign + (text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text);
  }
  const [mantissa, exponent] = size.toExponential(digits - 2).split("e");
  const short = mantissa.replace(/\.0$/, "");
  return sign + (short === "1" ? power(Number(exponent)) : `${short}×${power(Number(exponent))}`);
}

export function whole(value) {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

export function duration(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`.replace(".0 s", " s");
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(0)} min`;
  if (seconds < 172800) return `${(seconds / 3600).toFixed(1)} h`.replace(".0 h", " h");
  return `${(seconds / 86400).toFixed(0)} days`;
}
