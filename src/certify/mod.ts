/**
 * Proofs that a model is right on all 10^20 inputs, and a checker of such proofs. docs/certificate.md has the mathematics.
 *
 * @example Usage
 * ```ts
 * import { certify, checkCertificate } from "@x/tiny-adder/certify";
 * import { assertEquals } from "@std/assert";
 *
 * const checkpoint = { model: 763, parameters: new Float32Array(763).fill(0.1) } as const; // weights that cannot add
 * const { certified, worstMargin, counterexample, certificate } = await certify(checkpoint, { seconds: 10 });
 * assertEquals(certified, false);
 * console.log(worstMargin, counterexample); // null, and a pair that it adds wrongly
 * const { accepted } = await checkCertificate(certificate, checkpoint);
 * assertEquals(accepted, false);
 * ```
 *
 * @module
 */
export { certify } from "./certify.ts";
export { certificateText } from "./certificate.ts";
export { harden, type HardenOptions, type HardenResult } from "./harden.ts";
export { EngineError } from "../engine/interface/error.ts";
export { checkCertificate, type CheckResult } from "../checker/check.ts";
export type * from "./types.ts";
export type { DecodingModules } from "../engine/wasm/read_decoding.ts";
export type { ModelName } from "../model/variant.ts";
