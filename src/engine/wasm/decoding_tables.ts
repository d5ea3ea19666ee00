/**
 * The numbers that decoding reads: the exact float32 values of the module's tables and folded matrices (assembly/fold_weights.ts,
 * assembly/decode_tables.ts). A proof about the module takes them as they are, so no rounding on the way to them counts.
 */
import { type ModelName, TOKENS, WIDTH } from "../../model/variant.ts";
import { EQUALS, FIRST_QUERY, OPERAND_DIGITS, PLUS, POSITIONS_READ, QUERIES } from "../../model/vocabulary.ts";

/** Coordinates of a key, which is its own value: the residual stream without its mean. */
export const KEY_WIDTH = WIDTH - 1;
export const ROW = 8; // floats of a row of the tables of keys and of attention: the coordinates, 1 or the weight, and 0
export const DIGITS = 10; // rows kept of each position: one a digit
const ALL_DIGITS = Array.from({ length: DIGITS }, (_, digit) => digit);
/** Floats of a row of the table of queries: the query (6), one to spare, the residual stream (7), padding. */
export const QUERY_ROW = 16;

/** The numbers as the module's memory holds them. Matrices are [out, in]. */
export interface DecodingNumbers {
  readonly model: ModelName;
  readonly projection: Float32Array; // [7, 7], of the attention's output (6) and 1
  readonly w1: Float32Array; // [14, 7], of the norm's output (6) and 1
  readonly w2: Float32Array; // [7, 14]
  readonly output: Float32Array; // [14, 7]: of the residual stream (7), or of the final norm's output (6) and 1
  readonly keys: Float32Array; // [33 positions, 14 tokens, 8]
  readonly queries: Float32Array; // [12 steps, 14 tokens, 16]
  readonly blocks: Float32Array; // [12 steps, 14 tokens, 355, 8]
}

/** The rows of a matrix [out, columns]. */
export function rowsOf(matrix: Float32Array, columns: number): Float64Array[] {
  const length = matrix.length / columns;
  return Array.from({ length }, (_, row) => Float64Array.from(matrix.subarray(row * columns, (row + 1) * columns)));
}

export type QueryTable = Readonly<ReturnType<typeof queryTable>>;

/** The tokens that can be at a position of a query. */
export function tokensAtPosition(position: number, step: number, token: number): readonly number[] {
  if (position === FIRST_QUERY + step) return [token];
  if (position === OPERAND_DIGITS) return [PLUS];
  return position === FIRST_QUERY ? [EQUALS] : ALL_DIGITS;
}

/** The number of a token's row in the tables of a query. */
export function rowOf(position: number, token: number): number {
  return position * DIGITS + (token < DIGITS ? token : 0);
}

/**
 * What one query of the attention reads, at position 21 + step, which holds a token: `=` at step 0, a digit after it. All float32 values are exact in
 * float64.
 *
 * @returns `query`, [6]: the weight of a key is 2^(query . key); `x`, [7]: the residual stream there; `rows`, [34 positions, 10, 8]: weight x key, the
 * weight, 0, of each digit at each position, and of each other token in the place of digit 0; 0 where nothing is read, as at the position of the
 * answer, and the row of `+` holds that of `=` as well, which is 0; `keys`, laid out as `rows`: the key, 1, 0, with both symbols in their places
 */
export function queryTable(numbers: DecodingNumbers, step: number, token: number) {
  const { keys, queries } = numbers;
  const row = queries.subarray((step * TOKENS + token) * QUERY_ROW);
  const length = (POSITIONS_READ + 1) * DIGITS * ROW;
  const table = {
    query: row.slice(0, KEY_WIDTH),
    x: row.slice(KEY_WIDTH + 1, KEY_WIDTH + 1 + WIDTH),
    rows: new Float64Array(length),
    keys: new Float64Array(length),
  };
  const block = blockOf(numbers, step, token);
  for (let position = 0; position <= FIRST_QUERY + step; position++) {
    for (const id of tokensAtPosition(position, step, token)) {
      const to = rowOf(position, id) * ROW;
      const from = (position * TOKENS + id) * ROW;
      table.keys.set(keys.subarray(from, from + ROW), to);
      if (position === FIRST_QUERY) continue; // in the row of `+`
      const at = blockRow(position, id) * ROW;
      table.rows.set(block.subarray(at, at + ROW), to);
    }
  }
  return table;
}

/** The attention of one query, [355, 8]. */
export function blockOf({ blocks }: DecodingNumbers, step: number, token: number): Float32Array {
  const length = blocks.length / (QUERIES * TOKENS);
  return blocks.subarray((step * TOKENS + token) * length).subarray(0, length);
}

/** The row of a token at a position in a block: the symbols first, then the digits of a and of b, ones first, then the tokens written. */
function blockRow(position: number, token: number): number {
  if (position === OPERAND_DIGITS) return 0;
  if (position < OPERAND_DIGITS) return 1 + (OPERAND_DIGITS - 1 - position) * DIGITS + token;
  if (position < FIRST_QUERY) return 1 + (3 * OPERAND_DIGITS - position) * DIGITS + token;
  return 1 + 2 * OPERAND_DIGITS * DIGITS + (position - FIRST_QUERY - 1) * TOKENS + token;
}
