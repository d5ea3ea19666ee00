import { CELL, describeCell, drawHeatMap, type HeatMap, LEFT, TOP } from "../src/svg/heat_map.ts";
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { short } from "./format.ts";
import { useWidth } from "./hooks.ts";

interface HeatMapProps {
  readonly note: string;
  readonly map: HeatMap;
  /** The largest width of a cell, in pixels. */
  readonly widest?: number;
  readonly children?: ComponentChildren;
}

/** A heat map with the value under the pointer or the arrow keys in words. */
export function HeatMapFigure({ note, map, widest = 28, children }: HeatMapProps) {
  const [root, width] = useWidth<HTMLElement>();
  const [cursor, setCursor] = useState<readonly [row: number, column: number]>();
  const { title, rows, columnLabels } = map;
  const cell = Math.max(4, Math.min(widest, Math.floor((width - LEFT) / columnLabels.length)));
  const drawing = useMemo(() => drawHeatMap(map, { cell, titles: false }).join(""), [map.rows, cell]);
  const [row, column] = cursor ?? [-1, -1];
  const hasValue = !Number.isNaN(rows[row]?.[column] ?? NaN);
  const moveTo = (row: number, column: number) => {
    const limit = (value: number, length: number) => Math.max(0, Math.min(length - 1, value));
    setCursor([limit(row, rows.length), limit(column, columnLabels.length)]);
  };
  const point = ({ clientX, clientY, currentTarget }: PointerEvent & { currentTarget: Element }) => {
    const { left, top } = currentTarget.getBoundingClientRect();
    moveTo(Math.floor((clientY - top - TOP) / CELL), Math.floor((clientX - left - LEFT) / cell));
  };
  const isSigned = rows.some((row) => row.some((value) => value < 0));
  return (
    <figure class="stack map" ref={root}>
      <figcaption>
        <strong>{title}</strong>
        {children}
        <output aria-live="polite">{hasValue ? describeCell(map, row, column) : ""}</output>
      </figcaption>
      <svg
        role="img"
        aria-label={`${title}. ${note} Arrow keys read it cell by cell.`}
        tabIndex={0}
        width={LEFT + cell * columnLabels.length}
        height={TOP + CELL * rows.length}
        onPointerDown={point}
        onPointerMove={point}
        // a tap stays
        onPointerLeave={({ pointerType }) => pointerType === "mouse" && setCursor(undefined)}
        onBlur={() => setCursor(undefined)}
        onKeyDown={(event) => {
          const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
          if (move === undefined) return;
          event.preventDefault();
          moveTo(row + move[0], column + move[1]);
        }}
      >
        <g dangerouslySetInnerHTML={{ __html: drawing }} />
        {cursor && <rect class="cursor" x={LEFT + cell * column} y={TOP + CELL * row} width={cell} height={CELL} />}
      </svg>
      <p class="note">
        {note} The strongest blue is {short(map.full)}
        {isSigned && `, the strongest orange ${short(-map.full)}`}.
      </p>
    </figure>
  );
}
