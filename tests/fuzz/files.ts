/**
 * Fuzzing of all that reads files. A reader that is new is one more line.
 *
 * @module
 */
import { checkCertificate, type CheckResult } from "../../src/checker/check.ts";
import { Layers } from "../../src/checker/margin.ts";
import { sealCertificate } from "../../src/certify/certificate.ts";
import { concatenate } from "../../src/checkpoint/common/bytes.ts";
import { decodeCheckpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { CheckpointError } from "../../src/checkpoint/common/error.ts";
import { decodePyTorchCheckpoint, importCheckpoint } from "../../src/checkpoint/import_checkpoint.ts";
import { decodeSafetensors } from "../../src/checkpoint/safetensors/safetensors.ts";
import { decodeState, encodeState } from "../../src/checkpoint/safetensors/state.ts";
import { readZip, writeZip } from "../../src/checkpoint/common/zip.ts";
import { lossSvg } from "../../src/logs/plot.ts";
import { parseLog, toCsv } from "../../src/logs/run_log.ts";
import { toEventFile } from "../../src/logs/tensorboard.ts";
import { CaseFileError, parseCases } from "../../src/evaluation/cases.ts";
import { parseSweep } from "../../src/sweep/file.ts";
import { decodeText } from "../../src/common/text.ts";
import { parseLine, SweepFileError } from "../../src/sweep/line.ts";
import { TrainingError } from "../../src/training/error.ts";
import { parseRecipes } from "../../src/training/recipe_form.ts";
import { continueRecipe, RECIPES, trainRecipe } from "../../src/training/recipes.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { freshProgress } from "../../src/training/run.ts";
import { lineOf } from "../sweep/lines.ts";
import type { Target } from "./fuzz.ts";
import { mutateBytes, mutateJson, mutateText } from "./mutators.ts";
import type { Random } from "./random.ts";

const SOURCE = "some/file";
const SAYS = /some\/file/;

async function golden(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return await Deno.readFile(new URL(`../golden/${name}`, import.meta.url));
}

const SAFETENSORS = await Promise.all(["w0", "x0"].map((name) => golden(`${name}.safetensors`)));
const PYTORCH = await Promise.all(["w0", "x0"].map((name) => golden(`${name}.pt`)));
const FOREIGN = new Map(
  [...Deno.readDirSync(new URL("../golden/import/", import.meta.url))].map(({ name }) => name).sort()
    .map((name) => [name, Deno.readFileSync(new URL(`../golden/import/${name}`, import.meta.url))]),
);
/** Larger ones hold the same forms more often, and cost time. */
const LARGEST_SEED = 8000;
/** The files of a kind, by their names. */
const foreign = (kind: RegExp) =>
  [...FOREIGN].filter(([name, { length }]) => kind.test(name) && length <= LARGEST_SEED).map(([, bytes]) => bytes);
const STATES = [763, 777].map((size) => {
  const [recipe, vector] = [trainRecipe("fast"), new Float32Array(size).fill(0.25)];
  const progress = freshProgress({ kind: "train", recipe, model: 763, seed: 1, arithmetic: "exact", from: null });
  return encodeState({ progress, parameters: vector, firstMoment: vector, secondMoment: vector, best: vector });
});
const CERTIFICATE = await Deno.readTextFile(new URL("../../src/weights/shipped_763.certificate.json", import.meta.url));
const CHECKPOINT = shippedCheckpoint();

/** Bytes that are damaged anywhere. */
function damaged(corpus: readonly Uint8Array[]): (random: Random) => Uint8Array<ArrayBuffer> {
  return (random) => mutateBytes(random, corpus);
}

/** A safetensors file whose header says something else, in the right form; every other one is damaged as well. */
function misdescribed(corpus: readonly Uint8Array[]): (random: Random) => Uint8Array<ArrayBuffer> {
  return (random) => {
    const bytes = random.of(corpus);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    const json = new TextEncoder().encode(JSON.stringify(mutateJson(random, header)));
    const prefix = new Uint8Array(8);
    new DataView(prefix.buffer).setBigUint64(0, BigInt(json.length), true);
    const file = concatenate([prefix, json, bytes.subarray(8 + length)]);
    return random.oneIn(2) ? mutateBytes(random, [file]) : file;
  };
}

/** A ZIP file with one entry that is damaged, and checksums that are right again: what lies behind the checksum is met. */
function repacked(corpus: readonly Uint8Array[]): (random: Random) => Uint8Array<ArrayBuffer> {
  const files = corpus.map((bytes) => [...readZip(bytes, "read it")]);
  return (random) => {
    const entries = random.of(files);
    const damaged = random.oneIn(2)
      ? entries.findIndex(([name]) => name.endsWith("data.pkl"))
      : random.below(entries.length);
    return writeZip(
      entries.map(([name, content], i) =>
        i === Math.max(damaged, 0) ? [name, mutateBytes(random, [content])] as const : [name, content] as const
      ),
    );
  };
}

/** A reader of bytes, with files of its kind that are right. */
function reader(
  name: string,
  read: (bytes: Uint8Array) => unknown,
  make: (random: Random) => Uint8Array,
): Target<Uint8Array> {
  return { name, make, run: read, refuses: [CheckpointError], says: SAYS };
}

const foreigner = (bytes: Uint8Array) => importCheckpoint(bytes, { source: SOURCE });

const READERS: readonly Target<Uint8Array>[] = [
  reader("safetensors, damaged", (bytes) => decodeSafetensors(bytes, { source: SOURCE }), damaged(SAFETENSORS)),
  reader(
    "safetensors, misdescribed",
    (bytes) => decodeSafetensors(bytes, { source: SOURCE }),
    misdescribed(SAFETENSORS),
  ),
  reader("checkpoints", (bytes) => decodeCheckpoint(bytes, { source: SOURCE }), misdescribed(SAFETENSORS)),
  reader("torch.save", (bytes) => decodePyTorchCheckpoint(bytes, { source: SOURCE }), damaged(PYTORCH)),
  reader("torch.save, repacked", foreigner, repacked(foreign(/^(?:neighbour|wrapper|prefix|half)_.*\.(?:pt|ckpt)$/))),
  reader("NumPy, repacked", foreigner, repacked(foreign(/^npz_(?!compressed).*\.npz$/))),
  reader("NumPy, deflated and damaged", foreigner, damaged(foreign(/\.npz$/))),
  reader("pickles", foreigner, damaged(foreign(/\.pkl$/))),
  reader("files of any kind", foreigner, damaged([...FOREIGN.values()].filter(({ length }) => length > 0))),
  reader("states", (bytes) => decodeState(bytes, { source: SOURCE }), misdescribed(STATES)),
];

/** As text, or as JSON in the right form. */
function jsonText(random: Random, text: string): string {
  return random.oneIn(2) ? mutateText(random, [text]) : JSON.stringify(mutateJson(random, JSON.parse(text)));
}

/** How the checker refuses: it throws nothing, so this stands for its answer. */
class CertificateRefused extends Error {}

/** @throws {CertificateRefused} With the reason, unless it is accepted */
function assertAccepted({ accepted, reason }: CheckResult): void {
  if (accepted) return;
  if (reason === null || reason === "") throw new Error("a certificate was refused without a reason");
  throw new CertificateRefused(`Cannot accept it: ${reason.slice(0, 1000).replaceAll("\n", " ")}`);
}

const RIGHT = JSON.stringify(JSON.parse(CERTIFICATE));

/** A certificate whose digest is wrong is never accepted; one that is accepted has the content of the right one. */
const certificates: Target<unknown> = {
  name: "certificates",
  make(random) {
    try {
      return JSON.parse(jsonText(random, CERTIFICATE));
    } catch {
      return undefined; // as the command line does with what is no JSON
    }
  },
  async run(certificate) {
    if (JSON.stringify(certificate) === RIGHT) return;
    assertAccepted(await checkCertificate(certificate, CHECKPOINT));
    throw new Error("a certificate was accepted that is not the right one");
  },
  refuses: [CertificateRefused],
};

/** The same with a digest that fits, so that what lies behind the digest is met. */
function sealed(
  name: string,
  check: (certificate: unknown) => Promise<CheckResult>,
): Target<unknown> {
  return {
    name,
    async make(random) {
      const { digest: _, ...content } = JSON.parse(CERTIFICATE);
      const changed = mutateJson(random, content);
      return typeof changed === "object" && changed !== null ? await sealCertificate(changed as never) : changed;
    },
    async run(certificate) {
      assertAccepted(await check(certificate));
    },
    refuses: [CertificateRefused],
  };
}

/** Checked to the end. Slow: seconds each. */
export const SEALED_CERTIFICATES: Target<unknown> = {
  ...sealed("certificates, sealed", (certificate) => checkCertificate(certificate, CHECKPOINT)),
  hangs: 600_000,
};

const { hold } = Layers.prototype;
/** No part holds before the last step of its refinement, where the certificate's cuts count, and there all do. */
const takenForGranted: typeof hold = ({ query: { step }, pairs, box }) =>
  box !== undefined || [step, step - 1].every((place) => (pairs[place] ?? []).length < 2);

/** The bounds are taken for granted: all that a file can say to the checker, in little time. */
const cuts = sealed("certificates, sealed, cuts", async (certificate) => {
  Layers.prototype.hold = takenForGranted;
  try {
    return await checkCertificate(certificate, CHECKPOINT);
  } finally {
    Layers.prototype.hold = hold;
  }
});

const CASES = [
  "a,b,sum\n42,7,49\n0,0,0\n9999999999,1,10000000000\n",
  '"b" , A\r\n"1","2"\r\n\r\n3,4',
  "x,a,b\n,1,2\n",
  "sep=;\r\na;b;sum\r\n1;2;3\r\n",
];
const LINE = JSON.stringify(lineOf());
const LOG = await Deno.readTextFile(new URL("../golden/log.jsonl", import.meta.url));
const LOG_LINES = LOG.split("\n").slice(0, -1).map((line) => JSON.parse(line));

/** A log of JSON in the right form. */
function logOf(random: Random): string {
  const lines = mutateJson(random, LOG_LINES);
  return Array.isArray(lines)
    ? lines.map((line) => `${JSON.stringify(line)}\n`).join("")
    : `${JSON.stringify(lines)}\n`;
}
const RECIPE = JSON.stringify(RECIPES.flatMap((name) => [trainRecipe(name), continueRecipe(name)]));

const refused = (reason: string) => new CaseFileError(`Cannot read ${SOURCE} as it must be text: ${reason}`);

const TEXTS: readonly Target<string>[] = [
  {
    name: "case files",
    make: (random) => mutateText(random, CASES),
    run: (text) => parseCases(text, SOURCE),
    refuses: [CaseFileError],
    says: SAYS,
  },
  {
    name: "logs",
    make: (random) => random.oneIn(2) ? mutateText(random, [LOG]) : logOf(random),
    run(text) {
      const log = parseLog("run", text, refused);
      for (const write of [toCsv, lossSvg]) write([log, log]);
      toEventFile(log, 1);
    },
    refuses: [CaseFileError],
    says: SAYS,
  },
  {
    name: "sweep lines",
    make: (random) => jsonText(random, LINE),
    run: (text) => parseLine(text, SOURCE),
    refuses: [SweepFileError],
    says: SAYS,
  },
  {
    name: "recipes",
    make: (random) => jsonText(random, RECIPE),
    run: (text) => parseRecipes(text, SOURCE),
    refuses: [TrainingError, RangeError],
    says: /some\/file|Cannot train by the recipe/,
  },
];

/** A text in the encodings that files have, which is then damaged. */
function encoded(corpus: readonly string[]): (random: Random) => Uint8Array {
  const encodings = corpus.flatMap((text) => [
    new TextEncoder().encode(text),
    new TextEncoder().encode(`\uFEFF${text.replaceAll("\n", "\r\n")}`),
    new Uint8Array(Uint16Array.from(`\uFEFF${text}`, (letter) => letter.charCodeAt(0)).buffer),
    new Uint8Array(Uint16Array.from(text, (letter) => letter.charCodeAt(0)).buffer),
  ]);
  return (random) => random.oneIn(8) ? random.of(encodings) : mutateBytes(random, encodings);
}

const RUNS = [1, 2, 3].map((seed) => `${JSON.stringify(lineOf({ seed }))}\n`).join("");

const ENCODED: readonly Target<Uint8Array>[] = [
  {
    name: "case files, encoded",
    make: encoded(CASES),
    run: (bytes) => parseCases(decodeText(bytes, refused), SOURCE),
    refuses: [CaseFileError],
    says: SAYS,
  },
  {
    name: "sweeps, encoded",
    make: encoded([RUNS, `${RUNS}\n\n`, RUNS.trimEnd()]),
    run: (bytes) => parseSweep(decodeText(bytes, refused), SOURCE),
    refuses: [CaseFileError, SweepFileError],
    says: SAYS,
  },
];

/** All that reads files. */
// deno-lint-ignore no-explicit-any
export const FILE_TARGETS: readonly Target<any>[] = [...READERS, certificates, cuts, ...TEXTS, ...ENCODED];
