// Numbers and times as text for people.

import { shortestFloat32 } from "../formats/float32-text.ts";

export const grouped = (value: number): string =>
  String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");

/** A number with a noun: `1 row`, `2,000 rows`. */
export const counted = (count: number, noun: string): string =>
  `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;

/** A number with four digits, without an exponent if possible. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(3);
  return Number(value.toPrecision(4)).toString();
}

/** The same, rounded down. For thresholds, so that a score above the threshold is not shown as equal to it. */
export function shortBelow(value: number): string {
  const shown = short(value);
  if (!Number.isFinite(value) || Number(shown) <= value) return shown;
  const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 3);
  return short(Number(shown) - step);
}

/** A loss as text of constant width, so that columns are aligned. */
export function fixed(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(3);
  return value.toFixed(Math.max(0, 5 - Math.max(0, Math.floor(Math.log10(size || 1)))));
}

/** 41300 as 41.3k. */
export function compact(value: number): string {
  for (const [unit, letter] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (value >= unit) return `${Number((value / unit).toPrecision(3))}${letter}`;
  }
  return value >= 10 ? value.toFixed(0) : value.toFixed(1);
}

/** Seconds as 0:07, 12:30 or 3:05:00. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes, rest] = [
    Math.floor(whole / 3600),
    Math.floor(whole / 60) % 60,
    whole % 60,
  ];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** A duration: 4.2 s, or from two minutes on 2:05. */
export const duration = (seconds: number): string =>
  seconds < 120 ? `${seconds.toFixed(1)} s` : clock(seconds);

/** A float32 in JSON: its shortest digits, or null for NaN and infinities. */
function jsonNumber(value: number): number | null {
  return Number.isFinite(value) ? Number(shortestFloat32(value)) : null;
}

/** A list of float32 numbers in JSON. */
export const jsonNumbers = (values: Float32Array): (number | null)[] =>
  Array.from(values, jsonNumber);
