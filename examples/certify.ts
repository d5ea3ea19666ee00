// Proves a trained model right on all 10^20 pairs, then checks the proof with the small independent checker.
import { train } from "@x/tiny-adder";
import { certify, checkCertificate } from "@x/tiny-adder/certify";
import { decodeCheckpoint } from "@x/tiny-adder/checkpoint";

const { checkpoint } = await train({ recipe: "sure", seed: 5, certify: true });
const model = decodeCheckpoint(checkpoint);

const { verdict, counterexample, worstMargin, certificate } = await certify(model);
console.log(`verdict: ${verdict}`); // certified, counterexample or undecided
if (counterexample !== null) console.log("a pair that it adds wrongly:", counterexample);

if (certificate !== null) {
  console.log(`no input has a margin below ${worstMargin?.toFixed(2)} logits`);
  const { accepted } = await checkCertificate(certificate, model);
  console.log(`the checker accepts the certificate: ${accepted}`);
}
