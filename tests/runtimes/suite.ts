/**
 * Tests of `add`, `train` and `./checkpoint` that are the same in every runtime. They import the entry points alone, by paths that are also those
 * of the published files.
 */
import { add, addMany, continueTraining, loadAdder, type ProgressEvent, train } from "../../mod.ts";
import {
  decodeCheckpoint,
  decodePyTorchCheckpoint,
  decodeSafetensors,
  encodeAdderBoardSubmission,
  encodeCheckpoint,
  encodeNpz,
  encodeOnnx,
  encodePyTorchCheckpoint,
  encodeSafetensors,
  importCheckpoint,
} from "../../src/checkpoint/mod.ts";
import { expectEqual, expectError } from "./expect.ts";

/** What the tests need from outside, as JSON holds it. */
export interface Fixtures {
  /** SHA-256 of the weights after 200 steps of recipe `fast` from seed 1. */
  trained: string;
  /** The weights w0, 763 numbers, as PyTorch told them. */
  weights: number[];
  /** The same as files that PyTorch wrote, in base64. */
  files: { safetensors: string; pt: string };
  /** SHA-256 of what each encoder makes of these weights in Deno. */
  encoded: Record<"safetensors" | "pt" | "onnx" | "py", string>;
}

/** One test. */
export interface Test {
  /** What it shows. */
  name: string;
  /** Throws where it does not. */
  run: () => void | Promise<void>;
}

/** What became of a test: the message of its error, or null. */
export interface Result {
  name: string;
  error: string | null;
}

/** Runs tests, one after the other. */
export async function runSuite(tests: readonly Test[]): Promise<{ results: Result[] }> {
  const results: Result[] = [];
  for (const { name, run } of tests) {
    try {
      await run();
      results.push({ name, error: null });
    } catch (error) {
      results.push({ name, error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
    }
  }
  return { results };
}

/** SHA-256 in hexadecimal digits. */
export async function digest(content: Uint8Array | Float32Array | string): Promise<string> {
  const bytes = typeof content === "string"
    ? new TextEncoder().encode(content)
    : new Uint8Array(content.buffer as ArrayBuffer, content.byteOffset, content.byteLength);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice()));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What {@linkcode Fixtures.encoded} is made of. */
export function encodings(parameters: Float32Array): Record<keyof Fixtures["encoded"], Uint8Array | string> {
  const checkpoint = { model: 763, parameters, metadata: { note: "ü" } } as const;
  return {
    safetensors: encodeCheckpoint(checkpoint),
    pt: encodePyTorchCheckpoint(checkpoint),
    onnx: encodeOnnx(checkpoint),
    py: encodeAdderBoardSubmission(checkpoint),
  };
}

/** Weights that say the same token everywhere: every position reads 1 in the first place, in which only that token stands out. */
function stubborn(token: number) {
  const parameters = new Float32Array(763);
  for (let position = 0; position < 35; position++) parameters[98 + 7 * position] = 1;
  parameters[7 * token] = 2;
  return { model: 763, parameters, metadata: {} } as const;
}

/** The tests. */
export function makeSuite({ trained, weights, files, encoded }: Fixtures): Test[] {
  const hasFiles = "Deno" in globalThis;
  const parameters = Float32Array.from(weights);
  const bytes = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return [
    {
      name: "add() gives a number for numbers, a bigint for bigints",
      run: () => expectEqual([add(42, 7), add(42n, 7n), add(-0, 0)], [49, 49n, 0]),
    },
    {
      name: "add() is right at the edges",
      run() {
        const most = 9_999_999_999;
        const pairs = [[0, 0], [most, 1], [1, most], [most, most], [5e9, 5e9], [1234567890, 9876543210]] as const;
        expectEqual(pairs.map(([a, b]) => add(a, b)), pairs.map(([a, b]) => a + b));
      },
    },
    {
      name: "add() refuses what is no whole number of ten digits",
      async run() {
        await expectError(
          () => add(-1, 5),
          "RangeError",
          "Cannot add -1 and 5 as a must be a whole number from 0 to 9999999999",
        );
        await expectError(() => add(1, 1e10), "RangeError", "as b must be");
        await expectError(() => add(0.5, 1), "RangeError");
        await expectError(() => add("42" as unknown as number, 7), "TypeError", "must be a number or a bigint");
      },
    },
    {
      name: "addMany() takes tuples and objects, numbers and bigints",
      run() {
        expectEqual(addMany([[1, 2], { a: 3, b: 4 }]), [3, 7]);
        expectEqual(addMany([[1n, 9999999999n]]), [10000000000n]);
        expectEqual(addMany([]), []);
      },
    },
    {
      name: "loadAdder(): the weights add, not the code",
      run() {
        expectEqual(loadAdder(stubborn(3)).add(1, 2), 33333333333);
        expectEqual(loadAdder(encodeCheckpoint(stubborn(10))).add(1, 2), null);
      },
    },
    {
      name: "loadAdder() of a path says what it needs",
      run: () =>
        expectError(() => loadAdder("missing.safetensors"), "CheckpointError", hasFiles ? "no such file" : "Deno"),
    },
    {
      name: "train() gives the recorded bytes, with any number of threads",
      async run() {
        for (const threads of [1, 2]) {
          const options = { recipe: "fast", seed: 1, steps: 200, finalProblems: 100, threads } as const;
          expectEqual(await digest((await train(options)).parameters), trained);
        }
      },
    },
    {
      name: "train() tells what happens, in order, and its report agrees with its checkpoint",
      async run() {
        const events: ProgressEvent[] = [];
        const options = { model: 777, seed: 3, steps: 50, finalProblems: 10 } as const;
        const { parameters, checkpoint, report } = await train({
          ...options,
          onProgress: (event) => events.push(event),
        });
        expectEqual([events[0].type, events.at(-1)!.type], ["start", "end"]);
        expectEqual(events.some(({ type }) => type === "step"), true);
        expectEqual([report.model, report.seed, report.steps, report.evaluated, report.checkpoint], [
          777,
          3,
          50,
          10,
          null,
        ]);
        expectEqual(decodeCheckpoint(checkpoint).parameters, parameters);
      },
    },
    {
      name: "train() ends where its signal says so",
      async run() {
        const controller = new AbortController();
        const onProgress = ({ type }: ProgressEvent) => type === "step" && controller.abort(new Error("enough"));
        await expectError(() => train({ recipe: "paper", signal: controller.signal, onProgress }), "Error", "enough");
      },
    },
    {
      name: "train() refuses options that cannot be",
      async run() {
        await expectError(() => train({ seed: -1 }), "RangeError", "seed");
        await expectError(() => train({ recipe: "fats" }), "RangeError", "must be one of fast, sure, paper, jax");
        await expectError(() => train({ threads: 0 }), "RangeError", "threads");
      },
    },
    {
      name: "train({ out }) says what it needs where there are no files",
      async run() {
        if (hasFiles) return; // other tests write
        await expectError(() => train({ steps: 1, out: "run" }), "CheckpointError", "Deno");
      },
    },
    {
      name: "continueTraining() goes on from a checkpoint",
      async run() {
        const from = encodeCheckpoint({ model: 763, parameters, metadata: {} });
        const { parameters: after, report } = await continueTraining({ from, steps: 20, finalProblems: 10 });
        expectEqual(report.steps, 20);
        expectEqual(after.some((value, i) => value !== parameters[i]), true);
      },
    },
    {
      name: "decodeCheckpoint() and decodePyTorchCheckpoint() read what PyTorch wrote",
      run() {
        expectEqual(decodeCheckpoint(bytes(files.safetensors)).parameters, parameters);
        expectEqual(decodePyTorchCheckpoint(bytes(files.pt)), { model: 763, parameters, metadata: {} });
      },
    },
    {
      name: "every encoder gives the bytes that it gives in Deno",
      async run() {
        for (const [format, content] of Object.entries(encodings(parameters))) {
          expectEqual([format, await digest(content)], [format, encoded[format as keyof typeof encoded]]);
        }
      },
    },
    {
      name: "what was encoded is decoded again, metadata included",
      run() {
        const metadata = { format_version: "1", model: "763", note: "ü" };
        const { safetensors, pt } = encodings(parameters) as Record<string, Uint8Array>;
        expectEqual(decodeCheckpoint(safetensors), { model: 763, parameters, metadata });
        expectEqual(decodePyTorchCheckpoint(pt).parameters, parameters);
        expectEqual(Object.entries(decodePyTorchCheckpoint(pt).metadata).sort(), Object.entries(metadata).sort());
        const tensors = [{ name: "scale", shape: [], values: new Float32Array([0.5]) }];
        expectEqual(decodeSafetensors(encodeSafetensors({ tensors })).tensors[0].values, new Float32Array([0.5]));
      },
    },
    {
      name: "a file that is cut off anywhere is an error of ours",
      async run() {
        const { safetensors, pt } = encodings(parameters) as Record<string, Uint8Array>;
        for (const [file, decode] of [[safetensors, decodeCheckpoint], [pt, decodePyTorchCheckpoint]] as const) {
          for (let length = 0; length < file.length; length += 97) {
            await expectError(
              () => decode(file.subarray(0, length)),
              "CheckpointError",
              "Cannot read the checkpoint as",
            );
          }
        }
      },
    },
    {
      name: "an entry that cannot be unpacked is an error of ours",
      async run() {
        const npz = encodeNpz({ model: 763, parameters });
        const view = new DataView(npz.buffer);
        view.setUint16(view.getUint32(npz.length - 6, true) + 10, 8, true); // the first one says that it is deflated
        npz.fill(0xff, 64, 80); // no block of deflate begins so
        await expectError(() => importCheckpoint(npz), "CheckpointError", "it cannot be unpacked");
      },
    },
  ];
}
