// Hooks that several components share.

import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

/** A canvas. It is drawn again when a signal changes that the drawing function reads. */
export function useCanvas(draw: (canvas: HTMLCanvasElement) => void) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useSignalEffect(() => {
    if (canvas.current) draw(canvas.current);
  });
  return canvas;
}

/** The width of an element in CSS pixels, as a signal. */
export function useWidth<Element extends HTMLElement>(fallback: number) {
  const element = useRef<Element>(null);
  const width = useSignal(fallback);
  useEffect(() => {
    const { current } = element;
    if (!current) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry && entry.contentRect.width > 0) width.value = Math.floor(entry.contentRect.width);
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, [width]);
  return [element, width] as const;
}
