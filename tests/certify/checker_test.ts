/** What the checker refuses: every change of a certificate, and every certificate that says too much although its digest is right. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { checkCertificate } from "../../src/certify/checker.ts";
import { sealCertificate } from "../../src/certify/certificate.ts";
import type { Certificate } from "../../src/certify/types.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";

const TEXT = await Deno.readTextFile(new URL("../../src/weights/shipped_763.certificate.json", import.meta.url));
const CHECKPOINT = shippedCheckpoint();

async function reasonOf(certificate: unknown): Promise<string> {
  const { accepted, reason } = await checkCertificate(certificate, CHECKPOINT);
  assertEquals(accepted, reason === null);
  return reason ?? "accepted";
}

/** A certificate with a change, and a digest that fits. */
async function resealed(change: (certificate: Certificate) => void): Promise<Certificate> {
  const certificate: Certificate = JSON.parse(TEXT);
  change(certificate);
  const { digest: _, ...content } = certificate;
  return await sealCertificate(content);
}

Deno.test("no single number of a certificate can be changed", async () => {
  const numbers = [...TEXT.matchAll(/(?<=[:[,])-?\d+(\.\d+)?(e-?\d+)?(?=[,}\]])/g)];
  assert(numbers.length > 300);
  for (const { 0: found, index } of numbers) {
    for (const other of [String(Number(found) + 1), String(Number(found) * 0.999999 - 1e-7)]) {
      const changed = TEXT.slice(0, index) + other + TEXT.slice(index + found.length);
      assert(await reasonOf(JSON.parse(changed)) !== "accepted", `${found} at ${index} became ${other}`);
    }
  }
});

const CHANGES: readonly [what: string, change: (certificate: Certificate) => void, reason: string][] = [
  ["a step is left out", ({ steps }) => void steps.pop(), "a step is left out"],
  ["steps change places", ({ steps }) => void steps.reverse(), "promises too little"],
  [
    "a margin is larger than any input allows",
    ({ steps }) => void (steps[9].margin = steps[9].worst.margin + 1),
    "the worst input of step 9",
  ],
  [
    "the least margin is left out",
    (c) => void (c.worstMargin = Math.max(...c.steps.map(({ margin }) => margin))),
    "worst margin",
  ],
  [
    "a margin is larger than the bounds prove",
    ({ steps }) => void (steps[10].margin = steps[10].worst.margin),
    "is not proved",
  ],
  ["the worst margin is larger", (certificate) => void (certificate.worstMargin += 1), "worst margin"],
  ["a worst input is another", ({ steps }) => void (steps[3].worst.a += 1), "the worst input of step 3"],
  ["a worst input has another margin", ({ steps }) => void (steps[3].worst.margin += 1), "the worst input of step 3"],
  ["a margin is negative", ({ steps }) => void (steps[9].margin = -1), "worst margin"],
  ["axes are left out", ({ steps }) => void (steps[10].axes = []), "has no axes"],
  ["an axis is left out", ({ steps }) => void steps[10].axes[0][1].pop(), "has no axes"],
  ["an axis is no direction", ({ steps }) => void (steps[10].axes[0][1][0][0] += 1e-3), "has no axes"],
  ["less is demanded", ({ arithmetic }) => void (arithmetic.demanded = 0), "demands too little"],
  ["too little was measured", ({ arithmetic }) => void (arithmetic.logits = 1000), "demands too little"],
  ["the cuts of step 9 are left out", ({ steps }) => void (steps[9].splits = []), "of step 9 after"],
  [
    "a cut's part is left out",
    ({ steps }) => void ((steps[11].splits[0][2] as unknown[]).pop()),
    "other than two parts",
  ],
  ["a cut leaves a side empty", ({ steps }) => void (steps[11].splits = [[0, 0, [0, 1023, 0, 0]]]), "empty side"],
  ["a cut is of no digit", ({ steps }) => void (steps[11].splits = [[0, 0, [10, 1, 0, 0]]]), "empty side"],
  ["a cut is along no axis", ({ steps }) => void ((steps[11].splits[0][2] as number[])[0] = -8), "has not the form"],
  [
    "a region is cut twice",
    ({ steps }) => void steps[11].splits.push(steps[11].splits[0]),
    "a region that there is not",
  ],
  ["a cut is of no region", ({ steps }) => void (steps[11].splits.push([1, 5, 0])), "a region that there is not"],
  ["it covers less", (certificate) => void ((certificate as { inputs: string }).inputs = "1"), "all inputs"],
  ["it is of another version", (certificate) => void ((certificate as { version: number }).version = 1), "version 2"],
];

for (const [what, change, reason] of CHANGES) {
  Deno.test(`the checker refuses a certificate where ${what}, its digest being right`, async () => {
    assertStringIncludes(await reasonOf(await resealed(change)), reason);
  });
}

Deno.test("the checker refuses what is no certificate", async () => {
  for (const nothing of [undefined, null, 1, "certificate", [], {}, { format: "tiny-adder certificate", version: 2 }]) {
    assert(await reasonOf(nothing) !== "accepted");
  }
});

Deno.test("the checker has fewer than 300 lines of code, none of them the prover's", async () => {
  let lines = 0;
  for (const file of ["checker.ts", "checker_bound.ts"]) {
    const text = await Deno.readTextFile(new URL(`../../src/certify/${file}`, import.meta.url));
    lines += text.split("\n").filter((line) => !/^\s*(\/\/|\/?\*|$)/.test(line)).length;
    for (const [, from] of text.matchAll(/ from "(.*)";/g)) {
      assert(
        /^(\.\.\/(model|engine\/reference)\/|\.\/checker)/.test(from) || from.startsWith("@"),
        `${file} imports ${from}`,
      );
    }
  }
  assert(lines < 300, `${lines} lines`);
});
