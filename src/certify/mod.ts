/**
 * Proofs that a model is right on all 10^20 inputs, and a checker of such proofs. docs/certificate.md has the mathematics.
 *
 * @example Usage
 * ```ts ignore
 * import { certify, checkCertificate } from "@x/tiny-adder/certify";
 *
 * const { certified, worstMargin, counterexample, certificate } = await certify({ model: 763, parameters });
 * const { accepted } = await checkCertificate(certificate, { model: 763, parameters });
 * ```
 *
 * @module
 */
export { certify } from "./certify.ts";
export { certificateText } from "./certificate.ts";
export { harden, type HardenOptions, type HardenResult } from "./harden.ts";
export { EngineError } from "../engine/error.ts";
export { checkCertificate, type CheckResult } from "./checker.ts";
export type {
  ArithmeticReport,
  Certificate,
  CertificateStep,
  CertifyCheckpoint,
  CertifyOptions,
  CertifyProgress,
  CertifyResult,
  Input,
  OpenRegion,
  Split,
  StepResult,
} from "./types.ts";
export type { ModelName } from "../model/variant.ts";
