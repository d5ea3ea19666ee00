/**
 * The margins that the module's own float32 decoding computes, in both of its ways: assembly/decode_logits.ts, compiled for the tests.
 */
import { compile } from "../../build/build.ts";
import { spread, TOKENS, variantOf } from "../../src/model/variant.ts";
import { PAGES } from "../../src/engine/wasm/core.ts";
import type { CertifyCheckpoint } from "../../src/certify/types.ts";

/** The exports of assembly/decode_logits.ts. */
interface LogitsExports {
  readonly parametersAt: WebAssembly.Global;
  configure(width: number, hidden: number, finalNorm: boolean): void;
  prepareDecoding(): void;
  problemsBase(threads: number): number;
  decodeLogits(problems: number, count: number, step: number, byTables: boolean, out: number): void;
}

const module = new WebAssembly.Module(await compile("decode_logits.ts", "exact"));

/** The module's decoding of one model. */
export class EngineMargins {
  readonly #exports: LogitsExports;
  readonly #memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });

  constructor({ model, parameters }: CertifyCheckpoint) {
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    this.#exports = exports as unknown as LogitsExports;
    const variant = variantOf(model);
    this.#exports.configure(variant.width, variant.hidden, variant.finalNorm);
    new Float32Array(this.#memory.buffer, this.#exports.parametersAt.value).set(spread(parameters, variant));
    this.#exports.prepareDecoding();
  }

  /** Logits [n, 14] of one step of each pair, the right digits written before it. */
  logits(operands: Float64Array, step: number, byTables: boolean): Float32Array {
    const at = this.#exports.problemsBase(1);
    new Float64Array(this.#memory.buffer, at, operands.length).set(operands);
    const out = at + operands.byteLength;
    this.#exports.decodeLogits(at, operands.length / 2, step, byTables, out);
    return new Float32Array(this.#memory.buffer, out, operands.length / 2 * TOKENS).slice();
  }

  /** The margin of each pair at a step at which all have the same target; NaN where a logit is. */
  margins(operands: Float64Array, step: number, target: number, byTables: boolean): Float64Array {
    const logits = this.logits(operands, step, byTables);
    return Float64Array.from({ length: operands.length / 2 }, (_, i) => {
      let most = -Infinity;
      for (let t = 0; t < TOKENS; t++) if (t !== target) most = Math.max(most, logits[TOKENS * i + t]);
      return logits[TOKENS * i + target] - most;
    });
  }
}
