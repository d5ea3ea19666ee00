import { littleEndian } from "../checkpoint/common/bytes.ts";
import { sha256 } from "../common/encoding.ts";
import type { Certificate } from "./types.ts";

/** SHA-256 of weights: float32, little-endian, in the order of the flat vector. */
export function hashOfWeights(parameters: Float32Array): Promise<string> {
  return sha256(littleEndian(parameters));
}

/** Puts the digest on a certificate. */
export async function sealCertificate(content: Omit<Certificate, "digest">): Promise<Certificate> {
  return { ...content, digest: await sha256(new TextEncoder().encode(JSON.stringify(content))) };
}

/**
 * The text of a certificate's file: JSON, one step a line.
 *
 * @example Usage
 * ```ts
 * import { certificateText, certify } from "@x/tiny-adder/certify";
 *
 * const untrained = { model: 763, parameters: new Float32Array(763).fill(0.1) } as const;
 * const { certificate } = await certify(untrained, { seconds: 10 });
 * if (certificate !== null) console.log(certificateText(certificate)); // what `check --certificate` reads
 * ```
 */
export function certificateText(certificate: Certificate): string {
  const { steps, digest, ...head } = certificate;
  const lines = Object.entries(head).map(([name, value]) => `"${name}":${JSON.stringify(value)}`);
  const stepLines = steps.map((step) => JSON.stringify(step)).join(",\n");
  return `{${lines.join(",\n")},\n"steps":[\n${stepLines}\n],\n"digest":"${digest}"}\n`;
}

/** A margin with so many decimals, rounded down: what is proved must not be overstated. */
export function marginText(margin: number, decimals = 2): string {
  return (Math.floor(margin * 10 ** decimals) / 10 ** decimals).toFixed(decimals);
}
